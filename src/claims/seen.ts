import { MAY_LAND_YET, refOfClaim, type Tip } from '../backends/git/index.js';

/** Tips by id, or why there are none. */
export class Seen {
  readonly isAnswered: boolean;
  readonly #tips: ReadonlyMap<string, Tip> | undefined;
  readonly #cause: string;

  constructor(tips: ReadonlyMap<string, Tip> | undefined, cause: string) {
    this.isAnswered = tips !== undefined;
    this.#tips = tips;
    this.#cause = cause;
  }

  tip(id: string): Tip {
    return this.#tips?.get(refOfClaim(id)) as Tip;
  }

  /** Of a claim about which the remote gave no answer. */
  unconfirmed(id: string): { readonly id: string; readonly outcome: 'unconfirmed'; readonly cause: string } {
    return { id, outcome: 'unconfirmed', cause: this.#cause || MAY_LAND_YET };
  }
}
