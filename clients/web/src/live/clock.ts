/** The server's clock as seen from here, so that ages are right on a phone whose own clock is not. */
export class ServerClock {
  private offset = 0; // seconds, server minus local

  set(serverTime: number): void {
    this.offset = serverTime - Date.now() / 1000;
  }

  /** Seconds since the epoch. */
  now(): number {
    return Date.now() / 1000 + this.offset;
  }
}
