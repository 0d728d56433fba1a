import Residency
import Testing

@testable import domicile

@Suite struct RegionFileEditorTests {
  @Test func `the status goes behind the jurisdiction, and everything else stays`() {
    let text = "region: eu-west\nordinal: 2   # never reused\njurisdiction: IE\nname: Europe\n"
    #expect(
      RegionFileEditor.setting(.draining, in: text)
        == "region: eu-west\nordinal: 2   # never reused\njurisdiction: IE\nstatus: draining\nname: Europe\n")
  }

  @Test func `a status that is there is replaced, and its comment stays`() {
    let text = "jurisdiction: IE\nstatus: joining # since May\nname: Europe\n"
    #expect(RegionFileEditor.setting(.active, in: text) == "jurisdiction: IE\nstatus: active   # since May\nname: Europe\n")
  }
}
