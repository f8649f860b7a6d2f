/**
 * The messages of an ONNX file that a network for inference needs, and how they become bytes: field numbers as in
 * onnx.proto (github.com/onnx/onnx, IR version 8).
 */

/** Values of TensorProto.DataType. */
export const dataTypes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
export type DataType = keyof typeof dataTypes;

/** Values of AttributeProto.AttributeType. */
const FLOAT = 1;
const INT = 2;
const STRING = 3;
const INTS = 7;

/** A field's number and type, and whether it is repeated; a type that is none of protobuf's is a message. */
type Field = readonly [number: number, type: string, repeated?: 'repeated'];
type Message = Record<string, unknown>;

const messages: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  Model: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    graph: [7, 'Graph'],
    opsetImport: [8, 'OperatorSetId', 'repeated'],
  },
  OperatorSetId: { domain: [1, 'string'], version: [2, 'int64'] },
  Graph: {
    node: [1, 'Node', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'Tensor', 'repeated'],
    input: [11, 'ValueInfo', 'repeated'],
    output: [12, 'ValueInfo', 'repeated'],
  },
  Node: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'Attribute', 'repeated'],
  },
  Attribute: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    ints: [8, 'int64', 'repeated'],
    type: [20, 'int32'],
  },
  Tensor: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
  },
  ValueInfo: { name: [1, 'string'], type: [2, 'Type'] },
  Type: { tensorType: [1, 'TensorType'] },
  TensorType: { elemType: [1, 'int32'], shape: [2, 'TensorShape'] },
  TensorShape: { dim: [1, 'Dimension', 'repeated'] },
  Dimension: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
};

/** Bits of protobuf's wire format. */
const wireTypes: Record<string, number> = { int64: 0, int32: 0, float: 5 };
const LENGTH_DELIMITED = 2;

/** A number in groups of seven bits, the lowest first; negative ones as of 64 bits. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...bytes, Number(rest));
}

const lengthOf = (chunks: readonly Uint8Array[]) =>
  chunks.reduce((sum, { length }) => sum + length, 0);

/** A value of a field in parts, so that weights are copied once, at the end. */
function encodeValue(kind: string, value: unknown): Uint8Array[] {
  if (kind === 'int64' || kind === 'int32') return [varint(value as number)];
  if (kind === 'float') {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value as number, true);
    return [bytes];
  }
  const chunks =
    kind === 'string'
      ? [new TextEncoder().encode(value as string)]
      : kind === 'bytes'
        ? [value as Uint8Array]
        : encodeMessage(kind, value as Message);
  return [varint(lengthOf(chunks)), ...chunks];
}

function encodeMessage(type: string, message: Message): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (const [name, [number, kind, repeated]] of Object.entries(messages[type]!)) {
    const value = message[name];
    if (value === undefined) continue;
    const tag = varint((number << 3) | (wireTypes[kind] ?? LENGTH_DELIMITED));
    for (const item of repeated ? (value as unknown[]) : [value]) {
      chunks.push(tag);
      for (const chunk of encodeValue(kind, item)) chunks.push(chunk); // too many for a spread
    }
  }
  return chunks;
}

/** The bytes of a ModelProto. */
export function encodeModel(model: Message): Uint8Array {
  const chunks = encodeMessage('Model', model);
  const bytes = new Uint8Array(lengthOf(chunks));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

export type AttributeValue = number | string | readonly number[] | { float: number };

/** A node's attribute: numbers are whole, unless given as `{ float }`. */
export function attribute(name: string, value: AttributeValue): Message {
  if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: STRING };
  if (typeof value === 'number') return { name, i: value, type: INT };
  if ('float' in value) return { name, f: value.float, type: FLOAT };
  return { name, ints: value, type: INTS };
}

/** A tensor's name, type and shape; a dimension that is a text is known at run time only. */
export function valueInfo(name: string, dtype: DataType, shape: readonly (number | string)[]) {
  const dim = shape.map((n) => (typeof n === 'string' ? { dimParam: n } : { dimValue: n }));
  return { name, type: { tensorType: { elemType: dataTypes[dtype], shape: { dim } } } };
}
