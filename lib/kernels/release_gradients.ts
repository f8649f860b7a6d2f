/**
 * The memory of a backward pass. tfjs keeps everything that operations save for their gradients, and the gradient of
 * every intermediate tensor, until the last gradient is computed: twice the memory of all activations. This file frees
 * both as soon as an operation has passed its gradient on.
 */
import * as tf from '@tensorflow/tfjs';
import { shared } from '../shared';
import { engine } from '../tfjs_internals';
import { wrapGradient } from './wrap_gradient';

/** The id of the tensor that a gradient was made for; the gradient may later be passed on for another one. */
const madeFor = shared('gradientsMadeFor', () => new WeakMap<tf.Tensor, number>());

/** What the previous operation of the backward pass `scope` held and no longer needs. */
interface Done {
  scope: number | undefined;
  /** Its place on the tape, which a backward pass walks from the end. */
  place: number;
  tensors: Set<tf.Tensor>;
}
const last = shared('lastGradient', (): { done: Done } => ({
  done: { scope: undefined, place: 0, tensors: new Set() },
}));

/**
 * Makes the gradient of a kernel release its inputs. It releases only gradients that another such kernel has made for
 * this kernel's output: nothing that a caller passed in, receives or shares.
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
    // A gradient of this gradient would need what was saved again.
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
