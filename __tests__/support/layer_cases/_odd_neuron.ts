/** Neuron options, none of them the default. */
export const oddNeuron = {
  vThreshold: 0.5,
  vReset: -0.25,
  detachReset: false,
  surrogate: 'piecewiseQuadratic',
  alpha: 0.5,
} as const;
export const oddLIF = { ...oddNeuron, decayInput: false, tau: 1.5 } as const;
