/**
 * The memory of a backward pass. tfjs keeps what every operation has saved for its gradient, and the
 * gradient of every intermediate tensor, until the last gradient is computed: twice the memory of all
 * activations. Here both go as soon as an operation's gradient has been passed on.
 */
import * as tf from '@tensorflow/tfjs';
import { shared } from '../shared';
import { engine } from '../tfjs_internals';
import { wrapGradient } from './wrap_gradient';

/** The id of the tensor that a gradient was made for: it may be passed on, and seen, for another one. */
const madeFor = shared('gradientsMadeFor', () => new WeakMap<tf.Tensor, number>());

/** Of the operation before this one, in the backward pass `scope`: what it had and needs no more. */
interface Done {
  scope: number | undefined;
  /** Its place on the tape, which a backward pass goes down. */
  place: number;
  tensors: Set<tf.Tensor>;
}
const last = shared('lastGradient', (): { done: Done } => ({
  done: { scope: undefined, place: 0, tensors: new Set() },
}));

/**
 * Makes the gradient of a kernel release what it was given. Of gradients only those that another such
 * kernel has made, for this kernel's output: nothing that a caller gave, or gets, or shares.
 */
export function releaseGradients(kernelName: string): void {
  wrapGradient(kernelName, 'releasesGradients', (inner) => (dy, saved, attrs) => {
    const { state } = engine();
    const scope = state.activeScope?.id;
    const tape = state.activeTape ?? [];
    const { done } = last;
    const goesOn = done.scope === scope;
    if (goesOn) tf.dispose([...done.tensors]);
    let place = (goesOn ? done.place : tape.length) - 1;
    while (place >= 0 && tape[place]!.saved !== saved) place--;
    const node = tape[place];
    const outputs = node?.outputs.map(({ id }) => id) ?? [];
    const given = [dy].flat().filter((tensor) => outputs.includes(madeFor.get(tensor) ?? -1));
    // A gradient of this gradient would need what was saved once more.
    const tensors = new Set([...given, ...(state.gradientDepth === 0 ? saved : [])]);
    last.done = { scope, place, tensors };
    const thunks = Object.entries(inner(dy, saved, attrs)).map(([name, thunk]) => {
      const passOn = () => {
        const dx = thunk();
        tensors.delete(dx);
        const input = node?.inputs[name];
        if (input) madeFor.set(dx, input.id);
        return dx;
      };
      return [name, passOn];
    });
    return Object.fromEntries(thunks);
  });
}
