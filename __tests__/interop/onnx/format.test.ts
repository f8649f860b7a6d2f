/** The ONNX file as a reader of protobuf of another hand has it. */
import * as tf from '@tensorflow/tfjs';
import protobuf from 'protobufjs';
import * as spiking from 'tfjs-spikingformer';
import { VERSION } from '../../../lib/shared';
import '../../support/backends';

const { layers, interop } = spiking;

beforeAll(() => tf.setBackend('cpu'));

/** The part of onnx.proto that is looked at here, by its own numbers. */
const schema = protobuf.parse(`
  syntax = "proto2";
  message Opset { optional string domain = 1; optional int64 version = 2; }
  message Attribute {
    required string name = 1; optional float f = 2; optional int64 i = 3; repeated int64 ints = 8; required int32 type = 20;
  }
  message Node {
    repeated string input = 1; repeated string output = 2; required string name = 3; required string op_type = 4;
    repeated Attribute attribute = 5;
  }
  message Tensor { repeated int64 dims = 1; required int32 data_type = 2; required string name = 8; required bytes raw_data = 9; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  message Shape { repeated Dimension dim = 1; }
  message TensorType { required int32 elem_type = 1; required Shape shape = 2; }
  message Type { required TensorType tensor_type = 1; }
  message Value { required string name = 1; required Type type = 2; }
  message Graph {
    repeated Node node = 1; required string name = 2; repeated Tensor initializer = 5; repeated Value input = 11; repeated Value output = 12;
  }
  message Model {
    required int64 ir_version = 1; required string producer_name = 2; required string producer_version = 3;
    required Graph graph = 7; repeated Opset opset_import = 8;
  }`).root;

interface ReadGraph {
  name: string;
  node: { input: string[]; output: string[]; name: string; opType: string }[];
  initializer: { name: string; dims: string[]; dataType: number; rawData: Uint8Array }[];
  input: object[];
  output: object[];
}

test('the file: versions, names, shapes, each name made once and before its use', async () => {
  const model = tf.sequential({
    layers: [
      layers.convBN({ name: 'conv', filters: 4, inputShape: [2, 6, 6, 3] }),
      layers.lifNode({ name: 'lif' }),
      layers.rateReadout({ name: 'readout' }),
    ],
  });
  const type = schema.lookupType('Model');
  const read = type.decode(await interop.toOnnx(model, { spikes: true }));
  const { graph, ...rest } = type.toObject(read, { longs: String, arrays: true }) as {
    graph: ReadGraph;
  };
  expect(rest).toEqual({
    irVersion: '8',
    producerName: 'tfjs-spikingformer',
    producerVersion: VERSION,
    opsetImport: [{ domain: '', version: '17' }],
  });
  const floats = (...dim: object[]) => ({ tensorType: { elemType: 1, shape: { dim } } });
  const size = (n: number) => ({ dimValue: `${n}` });
  const batch = { dimParam: 'batch' };
  expect(graph.input).toEqual([
    { name: model.inputNames[0], type: floats(batch, ...[2, 6, 6, 3].map(size)) },
  ]);
  expect(graph.output).toEqual([
    { name: 'spikes/lif', type: floats(batch, ...[2, 6, 6, 4].map(size)) },
    { name: 'readout', type: floats(batch, size(4)) },
  ]);
  const known = new Set([model.inputNames[0], ...graph.initializer.map(({ name }) => name)]);
  for (const { name, input, output } of graph.node) {
    expect(output).toEqual([name]);
    expect(input.filter((one) => !known.has(one))).toEqual([]);
    expect(known.has(name)).toBe(false);
    known.add(name);
  }
  const sizes = graph.initializer.map(({ dims, dataType, rawData }) => {
    const bytes = { 1: 4, 7: 8 }[dataType]!;
    return rawData.length - bytes * dims.reduce((a, b) => a * Number(b), 1);
  });
  expect(new Set(sizes)).toEqual(new Set([0]));
  // The batch norm is in the convolution's weights and bias.
  const floatSizes = graph.initializer.filter((one) => one.dataType === 1).map(({ dims }) => dims);
  expect(floatSizes).toContainEqual(['4', '3', '3', '3']);
  expect(floatSizes).toContainEqual(['4']);
  expect(floatSizes.filter((dims) => dims.length > 0)).toHaveLength(2);
});
