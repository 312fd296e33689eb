import { LabelCounts } from '../../../src/optim/metrics/label-counts.ts'
import { createNetworkHistograms } from '../../../src/optim/metrics/network-snapshot.ts'
import type { NetworkSnapshot } from '../../../src/optim/metrics/network-snapshot.ts'

const failed = new LabelCounts()
failed.add('ERR_DEADLINE')

/** Every number differs, so that none can be taken for another. */
export const fullSnapshot: NetworkSnapshot = {
  requests: { requests: 101, answered: 102, failed },
  pool: {
    connections: 201, ownConnections: 202, dialling: 203, idle: 204, leases: 205, waiters: 206, idleStreams: 207,
    dials: 208, failedDials: 209, streamsOpened: 210, streamsReused: 211, evictions: 212, replacements: 213
  },
  timeouts: { requests: 301, answered: 302, failed: 303, attempts: 304, retries: 305, hedges: 306, overdue: 307, spurious: 308, overBudget: 309, running: 310, peers: 311 },
  bandwidth: {
    uploadBytes: { urgent: 401, normal: 402, bulk: 403 },
    downloadBytes: { urgent: 404, normal: 405, bulk: 406 },
    uploadRates: { over1s: 407, over10s: 408, over60s: 409 },
    downloadRates: { over1s: 410, over10s: 411, over60s: 412 },
    queuedBytes: 413
  },
  batching: { batches: { none: 501, snappy: 502, deflate: 503 }, messages: 504, requests: 505, batchedBytes: 506, wireBytes: 507, queuedMessages: 508, queuedBytes: 509, retriesPlain: 510 },
  health: { peers: { well: 601, ejected: 602 }, ejections: 603, conditions: { loss: 604 }, localHealth: 605, probes: 606, recoveries: 607 },
  histograms: createNetworkHistograms({ batching: true })
}
