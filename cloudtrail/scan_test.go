package cloudtrail

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rootkeep/rootkeep"
)

// scanOne scans text as one record, the way a window would hold it.
func scanOne(s *scanner, text string) (int, outcome) {
	b := append([]byte(text), make([]byte, pad)...)
	return s.record(b, 0, len(text))
}

func newScanner(t testing.TB, paths []string) *scanner {
	t.Helper()
	f, err := CompileFields(paths)
	if err != nil {
		t.Fatal(err)
	}
	s := &scanner{}
	s.init(f, rootkeep.NewView(len(paths), 0))
	return s
}

var scanPaths = []string{
	"a", "b.c", "b", "d.e.f", "userIdentity.type", "userIdentity.sessionContext.sessionIssuer.arn",
	"list", "list.x", "é", "requestParameters.policy", "tls",
}

var scanCases = []struct{ name, record string }{
	{"a plain string", `{"a":"x"}`},
	{"an empty object", `{}`},
	{"white space everywhere", " {\n \"a\" : \t\"x\" , \"b\" : { \"c\" : 1 } \r\n}"[1:]},
	{"escapes are decoded", `{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac"}`},
	{"a surrogate pair", `{"a":"\ud83d\ude00"}`},
	{"half a surrogate pair becomes U+FFFD", `{"a":"x\ud83dy"}`},
	{"a low surrogate alone becomes U+FFFD", `{"a":"\ude00"}`},
	{"two high surrogates", `{"a":"\ud83d\ud83d\ude00"}`},
	{"bytes that are not UTF-8 become U+FFFD", "{\"a\":\"x\xffy\"}"},
	{"bytes that are not UTF-8 in an unasked string", "{\"q\":\"x\xffy\",\"a\":1}"},
	{"an escaped key name", `{"\u0061":"x","b":{"\u0063":2}}`},
	{"an escaped unasked key name", `{"\u0071":"x","a":3}`},
	{"a key name with half a surrogate pair", `{"\ud83d":"x","a":3}`},
	{"a key name beyond ASCII", `{"é":"x"}`},
	{"a repeated key gives both values", `{"a":1,"a":2,"b":{"c":1},"b":{"c":2}}`},
	{"null, true, false", `{"a":null,"b":true,"tls":false}`},
	{"numbers of every form", `{"a":[0,-0,1.5,-2e9,3E-1,4e+22]}`},
	{"a number with a leading zero", `{"a":01}`},
	{"a number with a bare point", `{"a":1.}`},
	{"a number with a plus", `{"a":+1}`},
	{"an asked object is its raw text", `{"b":{ "c" : "x" },"tls":{"z" :[1, 2]}}`},
	{"an asked array is expanded", `{"list":["x",1,null,true,{"x":2},["y",["z"]],[]]}`},
	{"an empty array", `{"list":[],"b":{"c":[ ]}}`},
	{"a path crosses arrays", `{"list":[{"x":1},{"x":[2,3]},{"y":4},5,[{"x":6}]]}`},
	{"a path ends early", `{"b":"x","d":{"e":1}}`},
	{"an identity with a session", `{"userIdentity":{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"arn":"r"}}}}`},
	{"a control character in an asked string", "{\"a\":\"x\ny\"}"},
	{"a control character in an unasked string", "{\"q\":\"x\ny\"}"},
	{"NUL in a string", "{\"a\":\"x\x00y\"}"},
	{"an unknown escape", `{"a":"\x"}`},
	{"an unknown escape in an unasked string", `{"q":["\x"]}`},
	{"a short unicode escape", `{"a":"\u12g4"}`},
	{"a trailing comma", `{"a":1,}`},
	{"a missing comma", `{"a":1 "b":2}`},
	{"a missing colon", `{"a" 1}`},
	{"a missing value", `{"a":,"b":2}`},
	{"a trailing comma in an asked array", `{"list":[1,]}`},
	{"brackets that do not pair", `{"list":[1}`},
	{"brackets that do not pair in an unasked value", `{"q":[1}}`},
	{"an unasked value with a trailing comma", `{"q":{"x":1,}}`},
	{"an unasked array with a trailing comma", `{"q":[1,]}`},
	{"an unasked object without a colon", `{"q":{"x" 1}}`},
	{"an unasked object without a comma", `{"q":{"x":1 "y":2}}`},
	{"an unasked array without a comma", `{"q":[1 2]}`},
	{"an unasked object without a value", `{"q":{"x":}}`},
	{"an unasked wrong word", `{"q":[nul]}`},
	{"an unasked broken number", `{"q":[1.e5]}`},
	{"an unasked value with white space", "{\"q\" : { \"x\" : [ 1 , {} , [ ] ,\n{\"y\":\ttrue } ] , \"z\" :null\r} }"},
	{"a wrong word", `{"a":nul}`},
	{"single quotes", `{'a':1}`},
	{"a policy in a string", `{"requestParameters":{"policy":"{\"Statement\":[{\"Effect\":\"Allow\"}]}"}}`},
	{"brackets within strings", `{"q":{"x":"}]{["},"a":"}"}`},
	{"a long string of each length", `{"a":"` + strings.Repeat("é0123456", 9) + `"}`},
	{"a hundred levels", `{"q":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`},
	{"a hundred levels, asked for", `{"list":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`},
}

func TestScanAgreesWithEncodingJSON(t *testing.T) {
	for _, c := range scanCases {
		t.Run(c.name, func(t *testing.T) {
			compareWithJSON(t, newScanner(t, scanPaths), scanPaths, c.record)
		})
	}
}

// One scanner for all, twice over, so that keys were learned and objects noted
// by the time that a case is met.
func TestScanAgreesWithEncodingJSONAfterLearning(t *testing.T) {
	s := newScanner(t, scanPaths)
	for range 5 {
		for _, c := range scanCases {
			compareWithJSON(t, s, scanPaths, c.record)
		}
	}
}

// Damage of one to three bytes to records of every kind.
func TestScanAgreesWithEncodingJSONOnDamagedRecords(t *testing.T) {
	const spare = "\"\\{}[]:,x0-.eE \n\x00\xffu"
	rnd := rand.New(rand.NewPCG(1, 2))
	var records []string
	r := newReader(t, Options{}, "eventName")
	r.Read(t.Context(), text(trail(100, 3)), func(rec *Record) error {
		records = append(records, string(rec.Raw))
		return nil
	})
	for _, c := range scanCases {
		records = append(records, c.record)
	}
	paths := append([]string{"requestParameters", "resources.ARN", "responseElements.credentials.accessKeyId", "tlsDetails"}, huntFields...)
	s := newScanner(t, paths)
	for range 4000 {
		b := []byte(records[rnd.IntN(len(records))])
		for range 1 + rnd.IntN(3) {
			switch at := 1 + rnd.IntN(len(b)-1); rnd.IntN(3) {
			case 0:
				b[at] = spare[rnd.IntN(len(spare))]
			case 1:
				b = slices.Insert(b, at, spare[rnd.IntN(len(spare))])
			default:
				b = append(slices.Delete(b, at, at+1), ' ')
			}
		}
		compareWithJSON(t, s, paths, string(b))
	}
}

func TestEveryCutRecordIsShort(t *testing.T) {
	s := newScanner(t, scanPaths)
	for _, c := range scanCases {
		if !json.Valid([]byte(c.record)) {
			continue
		}
		for n := range len(c.record) {
			if n == 0 || json.Valid([]byte(c.record[:n])) {
				continue
			}
			if next, got := scanOne(s, c.record[:n]); got != short || next != n {
				t.Errorf("record %q: got outcome %d at %d, want short at %d", c.record[:n], got, next, n)
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, c := range scanCases {
		f.Add(c.record, c.record)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		s := newScanner(t, scanPaths)
		for _, text := range []string{first, second, first, second} {
			compareWithJSON(t, s, scanPaths, text)
		}
	})
}

// compareWithJSON holds the scanner to what encoding/json says about a text: both
// accept it, with the same values, or neither does. The one exception is nesting
// beyond MaxDepth.
func compareWithJSON(t *testing.T, s *scanner, paths []string, text string) {
	t.Helper()
	if !strings.HasPrefix(text, "{") {
		return
	}
	next, verdict := scanOne(s, text)
	if verdict != complete {
		if json.Valid([]byte(text)) && !tooDeep([]byte(text)) {
			t.Fatalf("record %q: got outcome %d, want it accepted", text, verdict)
		}
		return
	}
	record := []byte(text[:next])
	if !json.Valid(record) || tooDeep(record) {
		t.Fatalf("record %q: accepted, want it refused", record)
	}
	got, want := fieldValues(s.view, len(paths)), naive(record, paths)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("record %q: values (-want +got)\n%s", record, diff)
	}
}

func TestScanOutcomes(t *testing.T) {
	tests := []struct {
		name, record string
		want         outcome
	}{
		{"a whole record", `{"a":1}`, complete},
		{"data that ends in a key", `{"a`, short},
		{"data that ends in an escape", `{"a":"\`, short},
		{"data that ends in a unicode escape", `{"a":"\u00`, short},
		{"data that ends in a word", `{"a":tr`, short},
		{"data that ends in a number", `{"a":12`, short},
		{"data that ends before the last brace", `{"a":12 `, short},
		{"data that ends in an unasked container", `{"q":[{"x":"y"`, short},
		{"a broken record", `{"a":1]`, wrong},
		{"a hundred and one levels", `{"q":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, deep},
		{"twenty thousand levels", `{"q":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, deep},
		{"a hundred and one levels, asked for", `{"list":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, deep},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if _, got := scanOne(newScanner(t, scanPaths), c.record); got != c.want {
				t.Errorf("got outcome %d, want %d", got, c.want)
			}
		})
	}
}

func TestEqualIdentitiesHaveOneNumber(t *testing.T) {
	s := newScanner(t, []string{"userIdentity.type", "eventName"})
	number := func(record string) uint64 {
		t.Helper()
		if _, got := scanOne(s, record); got != complete {
			t.Fatalf("record %s: got outcome %d, want complete", record, got)
		}
		return s.identity
	}
	root := number(`{"userIdentity":{"type":"Root"},"eventName":"A"}`)
	user := number(`{"userIdentity":{"type":"IAMUser"},"eventName":"B"}`)
	again := number(`{"userIdentity":{"type":"Root"},"eventName":"C"}`)
	none := number(`{"eventName":"C"}`)
	twice := number(`{"userIdentity":{"type":"Root"},"userIdentity":{"type":"IAMUser"}}`)
	if root == 0 || user == 0 || root == user || again != root || none != 0 || twice != 0 {
		t.Errorf("got root %d, user %d, root again %d, none %d, two in one record %d; want a number per identity and 0 for the last two",
			root, user, again, none, twice)
	}
	if got := fmt.Sprintf("%s", s.view.Text(0)); got != "Root" {
		t.Errorf("first type of the record with two identities: got %q, want Root", got)
	}
}
