/**
 * Returns the image of a vector. Only its hashes matter: an event states what ESP-IDF finds in it.
 *
 * @param size - Size in bytes.
 * @param seed - Start of a linear congruential generator: `x = (x * 1103515245 + 12345) mod 2^31`, of which each byte
 *   is bits 16 to 23.
 */
export function vectorImage(size: number, seed: number): Uint8Array {
  const image = new Uint8Array(size);
  let state = seed;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    image[index] = state >>> 16;
  }
  return image;
}
