export { TcpWire } from './tcp/tcp-wire.ts'
