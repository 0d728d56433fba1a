package import Residency

/// The closed lists of `vocabulary.yaml`. A value that is not in them opens nothing: a file that uses one does not load, and a
/// request that uses one is denied.
package struct PolicyVocabulary: Sendable, Hashable {
  package let actions: [Action]
  package let classes: [DataClass]
  package let purposes: [Purpose]
  package let safeguards: [Safeguard]
  /// Empty where the file has none.
  package let certifications: [Certification]
  package let views: [View]

  package func contains(_ purpose: Purpose) -> Bool { purposes.contains(purpose) }
  package func contains(_ dataClass: DataClass) -> Bool { classes.contains(dataClass) }
}
