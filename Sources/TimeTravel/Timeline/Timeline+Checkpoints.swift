/// What became of saving a checkpoint.
enum SaveOutcome: Hashable {
  case saved
  /// The engine can't just here.
  case refused(String)
  /// Others are worth more than it.
  case declined
}

extension Timeline {
  /// All checkpoints, in order of moments.
  public var checkpoints: [Checkpoint] { catalogue.checkpoints }

  /// Saves a checkpoint at the position (or, where the engine can't save just there, a little before it),
  /// which is kept until it is deleted. Gives that checkpoint. Throws `.full`.
  public func saveCheckpoint() async throws(TimelineError) -> Checkpoint {
    try await request { () async throws(Setback) -> Checkpoint in
      var target = self.current.moment
      var detail = ""
      for _ in 0...self.policy.retryLimit {
        switch try await self.pin(target) {
        case .saved:
          guard let saved = self.catalogue.checkpoint(at: target) else { break }
          return saved
        case .declined:
          throw .failed(
            .full(count: self.catalogue.checkpoints.count, bytes: self.catalogue.bytes))
        case .refused(let words): detail = words
        }
        guard target > self.recorded.lowerBound else { break }
        target = max(target.earlier(by: self.policy.retryStride), self.recorded.lowerBound)
      }
      throw .failed(.engine("no checkpoint can be saved here: \(detail)"))
    }
  }

  /// Forgets a checkpoint. Throws `.unknownName`.
  public func deleteCheckpoint(_ name: CheckpointName) async throws(TimelineError) {
    guard catalogue.checkpoints.contains(where: { $0.name == name }) else {
      throw .unknownName(name.text)
    }
    try await request { () async throws(Setback) in try await self.drop(name) }
  }

  private func pin(_ target: Moment) async throws(Setback) -> SaveOutcome {
    if let known = catalogue.checkpoint(at: target) {
      var pinned = known
      pinned.isPinned = true
      catalogue.insert(pinned)
      isUnsaved = true
      return .saved
    }
    try await bring(to: target)
    return try await layCheckpoint(focus: current.moment, isPinned: true)
  }

  /// Saves a checkpoint where the engine stands, in the first state of its moment, if it is worth its room.
  /// Makes room by dropping what is missed least.
  func layCheckpoint(focus: Moment, isPinned: Bool = false) async throws(Setback) -> SaveOutcome {
    let place = try await placeHere()
    let text = "\(checkpointPrefix)\(place.moment)"
    guard let name = CheckpointName(text) else { throw .failed(.invalidName(text)) }
    var checkpoint = Checkpoint(
      name: name, moment: place.moment, bytes: 0, isPinned: isPinned,
      digest: StateDigest(place.registers))
    guard try await makeRoom(for: checkpoint, focus: focus) else { return .declined }
    try await apply(.none)
    let before = await engine.timeSpent()
    do throws(EngineError) {
      checkpoint = Checkpoint(
        name: name, moment: place.moment, bytes: try await engine.saveCheckpoint(name),
        isPinned: isPinned, digest: checkpoint.digest)
    } catch {
      if case .saveRefused(_, let detail) = error { return .refused(detail) }
      // Sorts the error as every other one.
      try await ask { _ throws(EngineError) in throw error }
    }
    let after = await engine.timeSpent()
    costs.noteSave(taking: after - before)
    catalogue.insert(checkpoint)
    isUnsaved = true
    return try await fitBytes(focus: focus, latest: checkpoint)
  }

  /// Drops one if there are as many as there may be. False if the new one is what is missed least.
  private func makeRoom(for new: Checkpoint, focus: Moment) async throws(Setback) -> Bool {
    guard catalogue.checkpoints.count >= policy.maximumCount else { return true }
    var all = catalogue
    all.insert(new)
    guard let victim = victim(of: all, focus: focus), victim.name != new.name else {
      return false
    }
    try await drop(victim.name)
    return true
  }

  /// Drops checkpoints until their bytes are within the limit.
  private func fitBytes(focus: Moment, latest: Checkpoint) async throws(Setback) -> SaveOutcome {
    var outcome = SaveOutcome.saved
    while catalogue.bytes > policy.maximumBytes {
      // If only pinned ones are left, it is the latest that is too much.
      let victim = victim(of: catalogue, focus: focus) ?? latest
      try await drop(victim.name)
      if victim.name == latest.name {
        outcome = .declined
        break
      }
    }
    return outcome
  }

  private func victim(of catalogue: CheckpointCatalogue, focus: Moment) -> Checkpoint? {
    policy.victim(
      among: catalogue.checkpoints, beginning: recorded.lowerBound, focus: focus
    ).map { catalogue.checkpoints[$0] }
  }

  func drop(_ name: CheckpointName) async throws(Setback) {
    try await ask { engine throws(EngineError) in
      do throws(EngineError) {
        try await engine.deleteCheckpoint(name)
      } catch {
        // Gone already is as good.
        if case .noSuchCheckpoint = error { return }
        throw error
      }
    }
    catalogue.remove(name)
    isUnsaved = true
  }
}
