/** What goes with no SACK: the rest needs it. */
export const WITHOUT_SACK = { sack: false, lossDetection: 'duplicates', tailLossProbe: false, forwardRtoRecovery: false } as const
