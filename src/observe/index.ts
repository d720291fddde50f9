export { bridgeToOpenTelemetry, type BridgeOptions } from './bridge.js';
