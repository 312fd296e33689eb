import type { CongestionController } from './congestion.ts'
import { Cubic } from './cubic.ts'
import { NewReno } from './new-reno.ts'
import type { TcpOptions } from './options.ts'

/** The controller that the options name. */
export function createController (options: Readonly<TcpOptions>): CongestionController {
  return controllers[options.congestion](options)
}

const controllers: Readonly<Record<TcpOptions['congestion'], (options: Readonly<TcpOptions>) => CongestionController>> = {
  reno: options => new NewReno(options),
  cubic: options => new Cubic(options)
}
