/** A small archive in the place of that of the rated sentences: fine films and dull ones. */
import { makeTarball } from '../../support/tarballs';

/** As many sentences as `count`; the first one ends with `more`. */
export function ratedSentencesArchive(count: number, more = ''): Uint8Array {
  const lines = Array.from({ length: count }, (_, i) => {
    const [rating, word] = i % 2 === 0 ? [2, 'wonderful'] : [-2, 'dull'];
    return `${i + 1}\t${rating}\tA ${word} film, number ${i + 1}.${i === 0 ? ` ${more}` : ''}`;
  });
  const name = 'hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt';
  return makeTarball([{ name, body: lines.join('\r\n') }]);
}
