/** What each picture of the network is given, and asks for. */
import type { Inside } from '../../network/inside';
import type { NetworkInfo } from '../../network/network';
import type { Session } from '../session';

/** The picture before the network, and what happened inside; null: there is none. */
export interface Look {
  inside: Inside;
  bytes: Uint8Array;
  info: NetworkInfo;
  session: Session;
}

export interface InsideView {
  readonly element: HTMLElement;
  show(look: Look | null): void;
}
