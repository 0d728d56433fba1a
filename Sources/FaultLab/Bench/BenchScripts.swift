import DomicileAPI
import SwiftProtobuf

/// What the benchmark's subjects and records are called, and what is in a record: 1 KB of JSON.
package struct BenchPopulation: Sendable {
  package let count: Int
  package static let collection = "profile"
  package static let key = "main"
  package static let recordBytes = 1_024

  package init(count: Int) { self.count = count }

  package func subject(_ number: Int) -> String { "bench-\(number)" }

  /// Canonical JSON of ``recordBytes`` bytes, in fields that the shipped policies know.
  static func document(salt: UInt64) -> Google_Protobuf_Struct {
    let name = "Bench Resident \(salt % 1_000_000)"
    let filler = String(repeating: "0123456789abcdef", count: recordBytes / 16)
    var document = Google_Protobuf_Struct()
    document.fields["name"] = Google_Protobuf_Value(stringValue: name)
    document.fields["email"] = Google_Protobuf_Value(stringValue: "resident-\(salt % 1_000_000)@example.org")
    document.fields["locale"] = Google_Protobuf_Value(stringValue: "en-IE")
    // {"address":"…","email":"…","locale":"en-IE","name":"…"}
    let others = 50 + name.utf8.count + "resident-\(salt % 1_000_000)@example.org".utf8.count
    document.fields["address"] = Google_Protobuf_Value(stringValue: String(filler.prefix(max(0, recordBytes - others))))
    return document
  }
}

/// Messages as calls.
struct CallEncoder: Sendable {
  let codec: LoadCodec

  /// - Parameter recordsRead: How many records of the benchmark's size the answer brings.
  func call(_ method: String, _ message: some Message, weight: Int = 1, recordsRead: Int = 0) -> LoadCall {
    let answerBytesMin = recordsRead * BenchPopulation.recordBytes
    do {
      let body: [UInt8] =
        switch codec {
        case .proto: try message.serializedBytes()
        case .json: try message.jsonUTF8Bytes()
        }
      return LoadCall(path: "/\(method)", body: body, weight: weight, answerBytesMin: answerBytesMin)
    } catch {
      // The server answers a body that is none with an error, which the result counts.
      return LoadCall(path: "/\(method)", body: [], weight: weight)
    }
  }
}

/// Health/Check: what a call of this server costs that does nothing.
struct RPCScript: LoadScript {
  let encoder: CallEncoder

  mutating func next() -> LoadCall { encoder.call("grpc.health.v1.Health/Check", Grpc_Health_V1_HealthCheckRequest()) }
}

/// How subjects are chosen.
package enum SubjectChoice: Sendable {
  case uniform
  case zipfian(Zipfian)

  func next(of population: BenchPopulation, _ generator: inout SeededGenerator) -> Int {
    switch self {
    case .uniform: Int.random(in: 0..<population.count, using: &generator)
    case .zipfian(let distribution): distribution.next(using: &generator)
    }
  }
}

/// Reads and writes of single records, in the given share.
struct RecordScript: LoadScript {
  let encoder: CallEncoder
  let population: BenchPopulation
  let choice: SubjectChoice
  /// 0: only writes; 1: only reads.
  let readShare: Double
  var generator: SeededGenerator

  mutating func next() -> LoadCall {
    let subject = population.subject(choice.next(of: population, &generator))
    if Double.random(in: 0..<1, using: &generator) < readShare {
      return encoder.call(
        "domicile.v1.RecordService/GetRecord",
        Domicile_V1_GetRecordRequest.with {
          $0.subjectID = subject
          $0.collection = BenchPopulation.collection
          $0.key = BenchPopulation.key
          $0.purpose = "service"
        }, recordsRead: 1)
    }
    let salt = generator.next()
    return encoder.call(
      "domicile.v1.RecordService/PutRecord",
      Domicile_V1_PutRecordRequest.with {
        $0.subjectID = subject
        $0.collection = BenchPopulation.collection
        $0.key = BenchPopulation.key
        $0.purpose = "service"
        $0.value = BenchPopulation.document(salt: salt)
      })
  }
}

/// BatchGetRecords of different subjects: a leaf for each.
struct BatchReadScript: LoadScript {
  let encoder: CallEncoder
  let population: BenchPopulation
  let size: Int
  var generator: SeededGenerator

  mutating func next() -> LoadCall {
    let request = Domicile_V1_BatchGetRecordsRequest.with { request in
      request.purpose = "service"
      request.items = (0..<size).map { _ in
        .with {
          $0.subjectID = population.subject(Int.random(in: 0..<population.count, using: &generator))
          $0.collection = BenchPopulation.collection
          $0.key = BenchPopulation.key
        }
      }
    }
    return encoder.call("domicile.v1.RecordService/BatchGetRecords", request, weight: size, recordsRead: size)
  }
}
