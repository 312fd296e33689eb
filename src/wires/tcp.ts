export { RunTurns } from './tcp/tcp-run.ts'
export { TcpWire } from './tcp/tcp-wire.ts'
