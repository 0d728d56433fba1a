import Residency
import Testing

extension RegionCatalogTests {
  @Test func `a region without a status is active, and its catalog's revision is what it was`() throws {
    let plain = try Files().load()
    #expect(plain.regions.allSatisfy { $0.status == .active })
    var files = Files()
    files.replace("name: The", by: "status: active\nname: The")
    #expect(try files.load().revisionText == plain.revisionText)
    files = Files()
    files.replace("name: The", by: "status: draining\nname: The")
    #expect(try files.load().revisionText != plain.revisionText)
  }

  @Test(
    arguments: zip(
      RegionDescriptor.Status.allCases, [(true, false, false), (true, true, true), (true, true, false), (false, false, false)]))
  func `who replicates, who counts and who takes subjects`(status: RegionDescriptor.Status, what: (Bool, Bool, Bool)) {
    #expect((status.isMember, status.counts, status.takesSubjects) == what)
  }

  @Test func `a retired region is no member, and cannot be a witness`() throws {
    var files = Files()
    files.replace("name: The", by: "status: retired\nname: The")
    #expect(files.diagnostics().map { $0.contains("the witness 'eu-west' is retired") } == [true, true])
    files.replace("[eu-west, ap-south]", by: "[ap-south]", in: "us-east")
    files.replace("[us-east, eu-west]", by: "[us-east]", in: "ap-south")
    let catalog = try files.load()
    #expect(catalog.members.map(\.id.rawValue) == ["us-east", "ap-south"])
    #expect(catalog.counted.map(\.id.rawValue) == ["us-east", "ap-south"])
    #expect(catalog.regions.count == 3)
  }

  @Test func `a misspelt status and a deployment that nobody can join are found`() {
    var files = Files()
    files.replace("name: The", by: "status: activ\nname: The")
    #expect(files.diagnostics() == ["regions/eu-west.yaml:4 'activ' is not a region's status | did you mean 'active'?"])
    files = Files()
    for region in ["us-east", "eu-west", "ap-south"] { files.replace("name: The", by: "status: draining\nname: The", in: region) }
    #expect(files.diagnostics().contains { $0.contains("no region is active") })
  }
}
