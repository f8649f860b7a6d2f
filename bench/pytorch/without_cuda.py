"""Lets a torch that was built for CUDA run without CUDA's libraries, which a CPU never calls: for each one that is
missing, an empty library of its name. Run once by the environment's Python, before torch is imported. A torch without
CUDA is left alone."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

# The one thing that the loader wants at once rather than when it is called: a variable, with its version.
VARIABLES = {'libnvshmem_host': ('NVSHMEM', ['nvshmem_selected_device_transport'])}


def missing_libraries(folder: Path) -> set[str]:
    """What the loader does not find for the libraries in that folder."""
    missing = set()
    for library in folder.glob('*.so*'):
        listing = subprocess.run(['ldd', library], capture_output=True, text=True).stdout
        missing |= set(re.findall(r'^\s*(\S+) => not found', listing, re.MULTILINE))
    return missing


def write_empty_library(compiler: str, path: Path) -> None:
    version, variables = VARIABLES.get(path.name.split('.')[0], (None, []))
    with tempfile.TemporaryDirectory() as scratch:
        source, versions = Path(scratch, 'empty.c'), Path(scratch, 'versions')
        source.write_text(''.join(f'char {name}[4096];\n' for name in variables))
        flags = [f'-Wl,-soname,{path.name}']
        if version:
            versions.write_text(f'{version} {{ global: *; }};\n')
            flags.append(f'-Wl,--version-script={versions}')
        subprocess.run([compiler, '-shared', *flags, source, '-o', path], check=True)


def main() -> None:
    packages = Path(sysconfig.get_path('platlib'))
    folder = packages / 'torch' / 'lib'
    if not (folder / 'libtorch_cuda.so').exists():
        return
    compiler = shutil.which(os.environ.get('CC', 'cc'))
    if compiler is None:
        sys.exit('a C compiler is missing ($CC names one), for torch without the libraries of CUDA')
    for name in sorted(missing_libraries(folder)):
        write_empty_library(compiler, folder / name)
    # Functions are looked up when they are called, which these never are.
    (packages / 'without_cuda.pth').write_text('import os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n')


main()
