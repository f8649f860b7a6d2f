/** The order in which a graph's nodes are computed, each loop through a neuron taken as one. */
import type { NirGraph } from './_graph';
import { NirError } from './nir_error';

/** One node, or a neuron with the nodes that take its spikes back to it a step later. */
export interface Unit {
  name: string;
  /** From the neuron on, in order. */
  path: string[];
  from: string[];
}

/** Names that can be reached from one. */
function reachable(next: ReadonlyMap<string, string[]>, start: string): Set<string> {
  const seen = new Set<string>();
  const open = [...(next.get(start) ?? [])];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (!seen.has(name)) open.push(...(next.get(name) ?? []));
    seen.add(name);
  }
  return seen;
}

/** Neighbors by name: those that edges lead to, or, turned, come from. */
function neighbors({ nodes, edges }: NirGraph, turned = false): Map<string, string[]> {
  const result = new Map<string, string[]>([...nodes.keys()].map((name) => [name, []]));
  for (const [from, to] of edges) result.get(turned ? to : from)!.push(turned ? from : to);
  return result;
}

/**
 * The units in an order in which each comes after those that it takes from. A loop must be one neuron and a chain of
 * nodes back to it; else which of its edges is the delayed one would be a guess, and a NirError says so.
 */
export function unitsOf(graph: NirGraph, isNeuron: (type: string) => boolean): Unit[] {
  const [next, before] = [neighbors(graph), neighbors(graph, true)];
  const units = new Map<string, Unit>();
  const inLoop = new Map<string, string>();
  for (const name of graph.nodes.keys()) {
    if (inLoop.has(name) || !reachable(next, name).has(name)) continue;
    const loop = [...reachable(next, name)].filter((one) => reachable(next, one).has(name));
    const unit = loopOf(graph, isNeuron, loop, next, before);
    for (const one of loop) inLoop.set(one, unit.name);
    units.set(unit.name, unit);
  }
  for (const name of graph.nodes.keys()) {
    if (!inLoop.has(name)) units.set(name, { name, path: [], from: before.get(name)! });
  }
  return sorted(units);
}

function loopOf(
  graph: NirGraph,
  isNeuron: (type: string) => boolean,
  loop: string[],
  next: ReadonlyMap<string, string[]>,
  before: ReadonlyMap<string, string[]>,
): Unit {
  const refuse = (why: string) => new NirError(`The loop of nodes ${loop.join(', ')} must ${why}`);
  const neurons = loop.filter((name) => isNeuron(graph.nodes.get(name)!.type));
  if (neurons.length !== 1)
    throw refuse(`go through one neuron, but goes through ${neurons.length}`);
  const [name] = neurons as [string];
  const path: string[] = [];
  for (let at = name; ; ) {
    const inside = next.get(at)!.filter((one) => loop.includes(one));
    if (inside.length !== 1) throw refuse(`be one chain, but divides after ${at}`);
    [at] = inside as [string];
    if (at === name) break;
    if (next.get(at)!.length + before.get(at)!.length !== 2)
      throw refuse(`be joined to others at ${name} alone, but is so at ${at}`);
    path.push(at);
  }
  return { name, path, from: before.get(name)!.filter((one) => !loop.includes(one)) };
}

function sorted(units: ReadonlyMap<string, Unit>): Unit[] {
  const done = new Set<string>();
  const order: Unit[] = [];
  while (order.length < units.size) {
    const ready = [...units.values()].filter(
      ({ name, from }) => !done.has(name) && from.every((one) => done.has(one)),
    );
    if (ready.length === 0) throw new NirError('The graph must have no loops but those of neurons');
    for (const unit of ready) {
      done.add(unit.name);
      order.push(unit);
    }
  }
  return order;
}
