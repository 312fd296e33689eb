import { AbstractStream } from '@libp2p/utils'
import type { Logger } from '@libp2p/interface'

const silent: Logger = Object.assign(() => {}, { enabled: false, trace () {}, error () {}, newScope: () => silent })

/** What code written for libp2p has: its own stream, over a transport that a test works. */
export class LibraryStream extends AbstractStream {
  readonly sent: number[] = []
  roomBytes = Infinity
  resets = 0
  closedWrite = false

  constructor () {
    super({ id: '1', log: silent, protocol: '/test' })
  }

  sendData (data: { readonly byteLength: number }): { sentBytes: number, canSendMore: boolean } {
    const sentBytes = Math.min(data.byteLength, this.roomBytes)
    this.roomBytes -= sentBytes
    if (sentBytes > 0) {
      this.sent.push(sentBytes)
    }
    return { sentBytes, canSendMore: this.roomBytes > 0 }
  }

  sendReset (): void { this.resets++ }
  async sendCloseWrite (): Promise<void> { this.closedWrite = true }
  async sendCloseRead (): Promise<void> {}
  sendPause (): void {}
  sendResume (): void {}

  arrive (bytes: number | Uint8Array): void { this.onData(typeof bytes === 'number' ? new Uint8Array(bytes) : bytes) }
  end (): void { this.onRemoteCloseWrite() }
  reset (): void { this.onRemoteReset() }

  makeRoom (bytes: number): void {
    this.roomBytes = bytes
    this.safeDispatchEvent('drain')
  }
}
