/** A NIR graph as its file has it: nodes by name, and edges; graphs inside of it laid flat (Pedersen et al., 2024). */
import { type Item, isNumbers, isTree, type Numbers, type Tree } from './_hdf5';
import { NirError } from './nir_error';

export interface NirNode {
  name: string;
  /** 'LIF', 'Conv2d' and so on. */
  type: string;
  parameters: Tree;
}

export interface NirGraph {
  nodes: Map<string, NirNode>;
  edges: [from: string, to: string][];
}

/** The numbers of a node's parameter; `fallback` if it is not there, without which it must be. */
export function numbersOf(
  { name, type, parameters }: NirNode,
  key: string,
  fallback?: Numbers,
): Numbers {
  const value = parameters[key] ?? fallback;
  if (!isNumbers(value))
    throw new NirError(
      `${key} of node ${name} (${type}) must be numbers, but got ${kindOf(value)}`,
    );
  return value;
}

/** A parameter of whole numbers from 0 on, `count` of them. */
export function wholeNumbers(
  node: NirNode,
  key: string,
  count: number,
  fallback?: Numbers,
): number[] {
  const data = Array.from(numbersOf(node, key, fallback).data);
  const list = data.length === 1 ? Array<number>(count).fill(data[0]!) : data;
  if (list.length !== count || !list.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new NirError(
      `${key} of node ${node.name} (${node.type}) must be ${count} whole numbers, but got [${data.slice(0, 8)}]`,
    );
  }
  return list;
}

/** What a node is told beside its parameters. */
export function metadataOf({ parameters }: NirNode): Tree {
  return isTree(parameters.metadata) ? parameters.metadata : {};
}

function kindOf(item: Item | undefined): string {
  if (item === undefined) return 'none';
  if (typeof item === 'string') return `'${item.slice(0, 40)}'`;
  return isTree(item) ? 'a group' : 'texts';
}

function graphTree(tree: Item | undefined, where: string): { nodes: Tree; edges: string[] } {
  const { nodes, edges = [] } = isTree(tree) ? tree : {};
  const pairs = isNumbers(edges) && edges.data.length === 0 ? [] : edges;
  if (!isTree(nodes) || !Array.isArray(pairs) || pairs.length % 2 !== 0) {
    throw new NirError(`${where} must be a graph of nodes and of edges in pairs`);
  }
  return { nodes, edges: pairs };
}

/** The graph in a file, graphs inside of it by the names 'outer.inner'. */
export function parseGraph(file: Tree): NirGraph {
  const graph: NirGraph = { nodes: new Map(), edges: [] };
  flatten(graph, file.node, '');
  return graph;
}

/** Adds a graph's nodes; an inner graph's inputs and outputs become nodes that hand on what they get. */
function flatten(graph: NirGraph, tree: Item | undefined, prefix: string): void {
  const { nodes, edges } = graphTree(
    tree,
    prefix === '' ? 'The file' : `Node ${prefix.slice(0, -1)}`,
  );
  const ends = new Map<string, { entry: string; exit: string }>();
  for (const [key, item] of Object.entries(nodes)) {
    const name = prefix + key;
    if (!isTree(item) || typeof item.type !== 'string')
      throw new NirError(`Node ${name} must be a group with a type`);
    const { type, ...parameters } = item;
    if (type === 'NIRGraph') {
      flatten(graph, item, `${name}.`);
      ends.set(key, endsOf(graph, `${name}.`));
    } else {
      const inner = prefix !== '' && (type === 'Input' || type === 'Output');
      if (graph.nodes.has(name))
        throw new NirError(`There must be one node of a name, but got ${name} twice`);
      graph.nodes.set(name, { name, type: inner ? 'Identity' : type, parameters });
      ends.set(key, { entry: name, exit: name });
    }
  }
  // Exporters have been seen to write an edge twice, which means it once.
  const pairs = new Map<string, [from: string, to: string]>();
  for (let i = 0; i < edges.length; i += 2) {
    const [from, to] = [ends.get(edges[i]!), ends.get(edges[i + 1]!)];
    if (!from || !to)
      throw new NirError(`Edge ${edges[i]} -> ${edges[i + 1]} must join two nodes of the graph`);
    pairs.set(JSON.stringify([edges[i], edges[i + 1]]), [from.exit, to.entry]);
  }
  graph.edges.push(...pairs.values());
}

/** Of an inner graph, the nodes that edges to it and from it mean. */
function endsOf({ nodes, edges }: NirGraph, prefix: string): { entry: string; exit: string } {
  const inside = [...nodes.values()].filter(
    ({ name, type }) => name.startsWith(prefix) && type === 'Identity',
  );
  const entries = inside.filter(({ name }) => !edges.some(([, to]) => to === name));
  const exits = inside.filter(({ name }) => !edges.some(([from]) => from === name));
  if (entries.length !== 1 || exits.length !== 1) {
    throw new NirError(
      `Graph ${prefix.slice(0, -1)} must have one input and one output, but has ${entries.length} and ${exits.length}`,
    );
  }
  return { entry: entries[0]!.name, exit: exits[0]!.name };
}
