import QEMUMonitor
import Testing

@Test func refusalNamesTheCommandAndTheReason() {
  let error = QMPError.refused(
    command: "stop", errorClass: "GenericError", description: "not now")
  #expect("\(error)" == "QMP stop: not now (GenericError)")
}
