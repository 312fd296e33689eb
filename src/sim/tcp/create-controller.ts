import { Bbr } from './bbr.ts'
import type { CongestionController } from './congestion.ts'
import { Cubic } from './cubic.ts'
import { NewReno } from './new-reno.ts'
import type { TcpOptions } from './options.ts'

/** The controller that the options name. `connection` stands in for chance where one is to differ from the next. */
export function createController (options: Readonly<TcpOptions>, connection: number): CongestionController {
  return controllers[options.congestion](options, connection)
}

type Create = (options: Readonly<TcpOptions>, connection: number) => CongestionController

const controllers: Readonly<Record<TcpOptions['congestion'], Create>> = {
  reno: options => new NewReno(options),
  cubic: options => new Cubic(options),
  bbr: (options, connection) => new Bbr(options, connection)
}
