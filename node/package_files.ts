/** In Node, the files that the package has beside its code are read from its folder: weights, for `models.load`. */
import { readFile } from 'node:fs/promises';
import { setPackageFiles } from '../lib/package_files';
import { packaged } from './files/package_folder';

setPackageFiles((path) => readFile(packaged(...path.split('/'))));
