/** A plane through measured points. */

/** Keeps the equations solvable where all points lie in a line; pulls the answer down by less than 1 %. */
const RIDGE = 0.003;

/**
 * Weighted least squares for y = c₀ + c₁·r + c₂·e, where the question is r = 1, e = 1 and each point is given as a
 * multiple of it. Sums only, so that adding a point allocates nothing.
 */
export class LocalPlane {
  #w = 0;
  #r = 0;
  #e = 0;
  #rr = 0;
  #re = 0;
  #ee = 0;
  #y = 0;
  #ry = 0;
  #ey = 0;

  clear(): void {
    this.#w = this.#r = this.#e = this.#rr = this.#re = this.#ee = this.#y = this.#ry = this.#ey = 0;
  }

  add(r: number, e: number, y: number, weight: number): void {
    this.#w += weight;
    this.#r += weight * r;
    this.#e += weight * e;
    this.#rr += weight * r * r;
    this.#re += weight * r * e;
    this.#ee += weight * e * e;
    this.#y += weight * y;
    this.#ry += weight * r * y;
    this.#ey += weight * e * y;
  }

  /** The plane's value at the question. NaN without points. */
  atOne(): number {
    // Cholesky: the matrix is symmetric and, with the ridge, positive.
    const ridge = RIDGE * this.#w;
    const l00 = Math.sqrt(this.#w + ridge);
    const l10 = this.#r / l00;
    const l20 = this.#e / l00;
    const l11 = Math.sqrt(this.#rr + ridge - l10 * l10);
    const l21 = (this.#re - l20 * l10) / l11;
    const l22 = Math.sqrt(this.#ee + ridge - l20 * l20 - l21 * l21);
    const y0 = this.#y / l00;
    const y1 = (this.#ry - l10 * y0) / l11;
    const y2 = (this.#ey - l20 * y0 - l21 * y1) / l22;
    const c2 = y2 / l22;
    const c1 = (y1 - l21 * c2) / l11;
    const c0 = (y0 - l10 * c1 - l20 * c2) / l00;
    return c0 + c1 + c2;
  }
}
