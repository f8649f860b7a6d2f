/** Looking inside a network: observed spikes, firing rates, and what a backend lacks for it. */
export { type BackendReport, type CheckBackendOptions, checkBackend } from './check_backend';
export { firingRates, type ObserveOptions, observe } from './observe';
export { walkLayers } from './walk';
