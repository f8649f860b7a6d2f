/** `y = relu(x) w` of two inputs and three outputs as a graph model, such as converters write. */
import type * as tf from '@tensorflow/tfjs';

const float = { type: 'DT_FLOAT' };
const shape = (...dim: number[]) => ({
  shape: { dim: dim.map((size) => ({ size: String(size) })) },
});

export const graphArtifacts: tf.io.ModelArtifacts = {
  modelTopology: {
    node: [
      { name: 'x', op: 'Placeholder', attr: { dtype: float, shape: shape(-1, 2) } },
      { name: 'w', op: 'Const', attr: { dtype: float, value: { tensor: {} } } },
      { name: 'hidden', op: 'Relu', input: ['x'], attr: { T: float } },
      {
        name: 'y',
        op: 'MatMul',
        input: ['hidden', 'w'],
        attr: { T: float, transpose_a: { b: false }, transpose_b: { b: false } },
      },
    ],
    versions: { producer: 1 },
  },
  format: 'graph-model',
  weightSpecs: [{ name: 'w', shape: [2, 3], dtype: 'float32' }],
  weightData: Float32Array.of(1, 2, 3, 4, 5, 6).buffer,
};
