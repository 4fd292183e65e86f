export { unitText } from './unit.ts'
export { installService, removeService, serviceStatus, unitPath, type ServiceReport } from './user-service.ts'
