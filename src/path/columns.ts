import { losesNothing, meanLoss } from './options.ts'
import type { PathLoss, PathOptions } from './options.ts'
import { rounded } from './summary.ts'
import type { Row } from './summary.ts'

/** `rate_mbps` and `rtt_ms`, and a column for each further option of the links that was given. */
export function pathColumns ({ rateBitsPerSecond, rttMs, written }: PathOptions): Row {
  return { rate_mbps: rateBitsPerSecond / 1e6, rtt_ms: rttMs, ...written }
}

/** `loss_model` and the mean loss: `loss_fwd` or, where each direction loses on its own, `loss_each_dir`. */
export function lossColumns ({ loss, lossDirection }: PathOptions): Row {
  return {
    loss_model: modelName(loss),
    [lossDirection === 'both' ? 'loss_each_dir' : 'loss_fwd']: rounded(meanLoss(loss), 6)
  }
}

function modelName (loss: PathLoss): string {
  if (losesNothing(loss)) {
    return 'none'
  }
  return loss.model === 'gilbert-elliott' ? 'ge' : loss.model
}
