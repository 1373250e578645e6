internal import Bytes

/// Chooses among claims that all hold by themselves.
struct VMCoreInfoChoice {
  let survey: VMCoreInfoSearch.Survey

  init(_ claims: [VMCoreInfoClaim], _ alreadyRejected: [RejectedVMCoreInfo]) {
    var rejected = alreadyRejected
    let best = claims.map(\.agreeing).max() ?? 0
    // A kernel that ran before, or tables that a process in the guest made up: no CPU uses them.
    let (live, stale) = Self.split(claims) { best == 0 ? $0.telling == 0 : $0.agreeing == best }
    rejected += stale.map {
      RejectedVMCoreInfo(
        address: $0.address, reason: "the CPUs don't run its kernel, \($0.info.release ?? "")")
    }
    // Of the running kernel's two copies the note is what dump tools expect.
    guard let choice = live.first(where: { $0.form == .note }) ?? live.first else {
      survey = VMCoreInfoSearch.Survey(found: nil, rejected: Self.sorted(rejected))
      return
    }
    let (same, others) = Self.split(live, by: choice.isSameKernel)
    guard others.isEmpty else {
      // No CPU settles it: naming one kernel would be a guess.
      rejected += live.map {
        RejectedVMCoreInfo(
          address: $0.address,
          reason: "as likely as others: nothing tells which kernel runs, \($0.info.release ?? "")")
      }
      survey = VMCoreInfoSearch.Survey(found: nil, rejected: Self.sorted(rejected))
      return
    }
    let copies = same.filter { $0.address != choice.address }.map { copy in
      let text = copy.info.text == choice.info.text ? "the same text" : "the same kernel's text"
      return "\(text) is at physical address \(copy.address)"
    }
    let sorted = Self.sorted(rejected)
    survey = VMCoreInfoSearch.Survey(
      found: FoundVMCoreInfo(
        info: choice.info, bytes: choice.bytes, address: choice.address,
        evidence: choice.evidence + copies, rejected: sorted),
      rejected: sorted)
  }

  private static func split(
    _ claims: [VMCoreInfoClaim], by isFirst: (VMCoreInfoClaim) -> Bool
  ) -> (first: [VMCoreInfoClaim], second: [VMCoreInfoClaim]) {
    (claims.filter(isFirst), claims.filter { !isFirst($0) })
  }

  private static func sorted(_ rejected: [RejectedVMCoreInfo]) -> [RejectedVMCoreInfo] {
    rejected.sorted { $0.address < $1.address }
  }
}
