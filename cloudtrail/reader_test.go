package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func newReader(t testing.TB, o Options, paths ...string) *Reader {
	t.Helper()
	f, err := CompileFields(paths)
	if err != nil {
		t.Fatal(err)
	}
	return NewReader(f, o)
}

// text is an input that can be opened any number of times.
func text(s string) Input {
	return Input{Name: "f", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }}
}

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// names reads an object and returns the eventName of each record.
func names(t testing.TB, r *Reader, in Input) ([]string, Stats) {
	t.Helper()
	var got []string
	stats := r.Read(t.Context(), in, func(rec *Record) error {
		if !json.Valid(rec.Raw) {
			t.Errorf("raw record %q is not JSON", rec.Raw)
		}
		got = append(got, string(rec.View.Text(0)))
		return nil
	})
	return got, stats
}

// problems lists what was wrong as "kind@offset".
func problems(s Stats) []string {
	var out []string
	for _, p := range s.Problems {
		out = append(out, fmt.Sprintf("%s@%d", p.Kind, p.Offset))
	}
	return out
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

const (
	recA = `{"eventVersion":"1.11","eventName":"A"}`
	recB = `{"eventVersion":"1.11","eventName":"B","requestParameters":{"x":[1,{"y":"}"}]}}`
	recC = `{"awsRegion":"eu-west-3","eventName":"C"}`
)

var envelopeA = `{"version":"0","id":"1","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","resources":[],"detail":` + recA + `}`

func TestRead(t *testing.T) {
	tests := []struct {
		name      string
		data      string
		container Container
		want      string // event names
		problems  []string
	}{
		{"the file of a trail", `{"Records":[` + recA + `,` + recB + `]}`, Records, "A B", nil},
		{"Records is not the first key", `{"x":{"y":[1,2]},"z":"Records","Records":[` + recA + `]}`, Records, "A", nil},
		{"keys after Records", `{"Records":[` + recA + `],"x":[{}],"y":1}`, Records, "A", nil},
		{"Records twice", `{"Records":[` + recA + `],"Records":[` + recB + `]}`, Records, "A B", nil},
		{"an escaped Records", `{"\u0052ecords":[` + recA + `]}`, Records, "A", nil},
		{"no records", `{"Records":[]}`, Records, "", nil},
		{"white space", " {\n\"Records\" : [ " + recA + " ,\n" + recB + " ] }\n\n", Records, "A B", nil},
		{"a byte order mark", "\xef\xbb\xbf" + `{"Records":[` + recA + `]}`, Records, "A", nil},
		{"two files in one", `{"Records":[` + recA + `]}` + "\n" + `{"Records":[` + recB + `]}`, Records, "A B", nil},
		{"a bare array", `[` + recA + `,` + recC + `]`, Array, "A C", nil},
		{"an empty array", `[]`, Array, "", nil},
		{"an array of envelopes", `[` + envelopeA + `,` + recB + `]`, Array, "A B", nil},
		{"one object a line", recA + "\n" + recB + "\r\n" + recC, Lines, "A B C", nil},
		{"concatenated objects", recA + recB + recC, Lines, "A B C", nil},
		{"a single record", recA, Single, "A", nil},
		{"EventBridge", envelopeA, EventBridge, "A", nil},
		{"EventBridge lines", envelopeA + "\n" + envelopeA + "\n", EventBridge, "A A", nil},
		{"LookupEvents", `{"Events":[{"EventId":"1","Resources":[{}],"CloudTrailEvent":` + quoted(recA) + `},{"CloudTrailEvent":` + quoted(recB) + `}],"NextToken":"x"}`, LookupEvents, "A B", nil},
		{"LookupEvents lines", `{"EventName":"A","CloudTrailEvent":` + quoted(recA) + "}\n", LookupEvents, "A", nil},
		{"CloudWatch Logs", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":` + quoted(recA) + `},{"message":` + quoted(recC) + `}]}`, CloudWatchLogs, "A C", nil},
		{"Logstash", `{"@timestamp":"x","message":` + quoted(recB) + `,"@version":"1"}` + "\n" + `{"message":` + quoted(recC) + "}", Logstash, "B C", nil},
		{"Logstash around a whole file", `{"message":` + quoted(`{"Records":[`+recA+`,`+recB+`]}`) + `}`, Logstash, "A B", nil},
		{"a message that is an object", `{"message":` + recA + `}`, Logstash, "A", nil},
		{"a surrogate pair in a message", `{"message":"{\"eventName\":\"\\ud83d\\ude00\"}"}`, Logstash, "\U0001f600", nil},
		{"half a surrogate pair in a message", `{"message":"{\"eventName\":\"\ud83d\"}"}`, Logstash, "\ufffd", nil},
		{"a digest file", `{"awsAccountId":"111122223333","digestStartTime":"x","digestS3Object":"y","logFiles":[{"s3Object":"z"}]}`, Digest, "", nil},
		{"Insights events", `{"Records":[{"eventVersion":"1.07","insightDetails":{"state":"Start"}}]}`, Insight, "", nil},

		{"nothing", "", Unknown, "", []string{"empty@0"}},
		{"white space only", " \n", Unknown, "", []string{"empty@0"}},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00", Unknown, "", []string{"not-a-log@0"}},
		{"UTF-16", "\xff\xfe{\x00\"\x00", Unknown, "", []string{"not-a-log@0"}},
		{"a text", "Dear Sir,\n{\n", Unknown, "", []string{"not-a-log@0"}},
		{"a number", "12", Unknown, "", []string{"not-a-log@0"}},
		{"JSON of another shape", `{"name":"x","version":[1]}`, Unknown, "", []string{"not-a-log@0"}},
		{"an array of numbers", `[1,2]`, Array, "", []string{"not-a-log@1"}},
		{"a message that is no JSON", `{"message":"hello"}`, Unknown, "", []string{"not-a-log@0"}},
		{"Records is not an array", `{"Records":{}}`, Unknown, "", []string{"not-a-log@0"}},

		{"a broken line", recA + "\n" + `{"eventName":"X",}` + "\n" + recB + "\n", Lines, "A B", []string{"not-json@57"}},
		{"a line of text", recA + "\nhello {\n" + recB + "\n", Lines, "A B", []string{"not-json@40"}},
		{"a line cut in a string", recA + "\n" + `{"eventName":"X` + "\n" + recB + "\n", Lines, "A B", []string{"not-json@55"}},
		{"a line cut in an object nobody asked for", recA + "\n" + `{"eventName":"X","requestParameters":{"x":1` + "\n" + recB + "\n" + recC + "\n", Lines, "A B C", []string{"not-json@84"}},
		{"a broken envelope", envelopeA + "\n" + `{"detail":{"eventName":"X"]}` + "\n" + envelopeA, EventBridge, "A A", []string{"not-json@178"}},
		{"a broken string-in-string", `{"Events":[{"CloudTrailEvent":"{\"eventName\":1,}"},{"CloudTrailEvent":` + quoted(recB) + `}]}`, LookupEvents, "B", []string{"not-json@30"}},
		{"a broken first line", `{"eventName":` + "\n" + recB + "\n" + recC, Lines, "B C", []string{"not-json@94"}},
		{"a malformed record ends the file", `{"Records":[` + recA + `,{"eventName":X},` + recB + `]}`, Records, "A", []string{"not-json@65"}},
		{"a missing comma between records", `{"Records":[` + recA + recB + `]}`, Records, "A", []string{"not-json@51"}},
		{"a comma too many", `{"Records":[` + recA + `,]}`, Records, "A", []string{"not-json@52"}},
		{"a record that is a number", `{"Records":[` + recA + `,1,` + recB + `]}`, Records, "A B", []string{"not-a-log@52"}},
		{"a record that is null", `{"Records":[null,` + recA + `]}`, Records, "A", []string{"not-a-log@12"}},
		{"a null in a bare array", `[null,` + recA + `,null,` + recB + `]`, Array, "A B", []string{"not-a-log@1", "not-a-log@46"}},
		{"a list among the records", `{"Records":[[` + recA + `],"x",` + recB + `]}`, Records, "B", []string{"not-a-log@12", "not-a-log@54"}},
		{"garbage among the records", `{"Records":[` + recA + `,x,` + recB + `]}`, Records, "A B", []string{"not-a-log@52"}},
		{"half a file", `{"Records":[` + recA + `,{"eventName":"B`, Records, "A", []string{"truncated@67"}},
		{"a file cut between records", `{"Records":[` + recA + `,`, Records, "A", []string{"truncated@52"}},
		{"a file without its last brackets", `{"Records":[` + recA, Records, "A", []string{"truncated@51"}},
		{"a file without its last bracket", `{"Records":[` + recA + `]`, Records, "A", []string{"truncated@52"}},
		{"data after the file", `{"Records":[` + recA + `]}garbage`, Records, "A", []string{"trailing-data@53"}},
		{"too deep a record", `{"Records":[` + recA + `,{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `},` + recB + `]}`, Records, "A B", []string{"too-deep@52"}},
		{"envelopes without end", strings.Repeat(`{"detail":`, 50000) + strings.Repeat("}", 50000), EventBridge, "", []string{"not-a-log@40"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			r := newReader(t, Options{}, "eventName")
			for _, form := range []struct{ name, data string }{{"plain", c.data}, {"gzip", gzipped(t, c.data)}} {
				got, stats := names(t, r, text(form.data))
				if got := strings.Join(got, " "); got != c.want {
					t.Errorf("%s: got records %q, want %q", form.name, got, c.want)
				}
				if diff := cmp.Diff(c.problems, problems(stats)); diff != "" {
					t.Errorf("%s: problems (-want +got)\n%s%+v", form.name, diff, stats.Problems)
				}
				if stats.Container != c.container {
					t.Errorf("%s: got container %q, want %q", form.name, stats.Container, c.container)
				}
				if stats.InflatedBytes != int64(len(c.data)) || stats.StoredBytes != int64(len(form.data)) {
					t.Errorf("%s: got %d stored and %d inflated bytes, want %d and %d", form.name, stats.StoredBytes, stats.InflatedBytes, len(form.data), len(c.data))
				}
				if stats.Reread || stats.Err != nil {
					t.Errorf("%s: got reread %v, error %v", form.name, stats.Reread, stats.Err)
				}
			}
		})
	}
}

func TestOversizedRecords(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	tests := []struct {
		name     string
		data     string
		max      int
		want     string
		problems []string
	}{
		{"just under the limit", `{"Records":[` + recA + `,{"eventName":"` + big + `"},` + recB + `]}`, 4 << 20, "A " + big + " B", nil},
		{"over the limit", `{"Records":[` + recA + `,{"eventName":"` + big + `"},` + recB + `]}`, 1 << 20, "A B", []string{"oversized-record@52"}},
		{"over a limit below the window", `{"Records":[` + recA + `,{"eventName":"` + big[:2000] + `"},` + recB + `]}`, 1000, "A B", []string{"oversized-record@52"}},
		{"a line over the limit", recA + "\n{\"x\":\"" + big + "\"," + recB[1:] + "\n" + recC, 1 << 20, "A C", []string{"oversized-record@40"}},
		{"a big value before Records", `{"x":["` + big + `"],"Records":[` + recA + `]}`, 1 << 20, "A", nil},
		{"a big string-in-string", `{"Events":[{"CloudTrailEvent":"` + big + `"},{"CloudTrailEvent":` + quoted(recB) + `}]}`, 1 << 20, "B", []string{"oversized-record@30"}},
		{"a big key", `{"` + big + `":1,` + recA[1:], 1 << 20, "", []string{"oversized-record@1"}},
		{"much white space", `{"Records":` + strings.Repeat(" ", 3<<20) + `[` + recA + `]}`, 1 << 20, "A", nil},
		{"much white space in a line", `{"x":1,` + strings.Repeat(" ", 3<<20) + recA[1:] + "\n" + recB, 1 << 20, "B", []string{"oversized-record@0"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			r := newReader(t, Options{MaxRecord: c.max}, "eventName")
			got, stats := names(t, r, text(c.data))
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got records %.100q, want %.100q", got, c.want)
			}
			if diff := cmp.Diff(c.problems, problems(stats)); diff != "" {
				t.Errorf("problems (-want +got)\n%s%.1000v", diff, stats.Problems)
			}
		})
	}
}

func TestMemoryIsBoundedByTheLargestRecord(t *testing.T) {
	// 56 MiB of one record in one line, then a small one.
	long := io.MultiReader(strings.NewReader(`{"Records":[{"x":[`), io.LimitReader(&endless{text: "\"}]\\\"\","}, 7<<23), strings.NewReader(`1]},`+recA+`]}`))
	r := newReader(t, Options{MaxRecord: 1 << 20}, "eventName")
	got, stats := names(t, r, Input{Name: "long", Open: func() (io.ReadCloser, error) { return io.NopCloser(long), nil }})
	if diff := cmp.Diff([]string{"A"}, got); diff != "" {
		t.Errorf("records (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"oversized-record@12"}, problems(stats)); diff != "" {
		t.Errorf("problems (-want +got)\n%s", diff)
	}
	if size := cap(r.window.buf); size > 1<<20+history+windowSize {
		t.Errorf("window grew to %d bytes", size)
	}
}

// endless repeats a text for ever.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	return len(p), nil
}

func TestReadingStops(t *testing.T) {
	file := `{"Records":[` + recA + strings.Repeat(`,`+recB, 50000) + `]}`
	r := newReader(t, Options{}, "eventName")

	for _, enough := range []error{errors.New("enough"), io.EOF} {
		n := 0
		stats := r.Read(t.Context(), text(file), func(*Record) error {
			if n++; n == 3 {
				return enough
			}
			return nil
		})
		if stats.Err != enough || n != 3 || stats.Problems != nil {
			t.Errorf("function that returns %q: got error %v after %d records, problems %v", enough, stats.Err, n, stats.Problems)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	stats := r.Read(ctx, text(file), func(*Record) error {
		n++
		cancel()
		return nil
	})
	if stats.Err != context.Canceled || n*len(recB) > 2*windowSize || stats.Problems != nil {
		t.Errorf("cancelled context: got error %v after %d records, problems %v", stats.Err, n, stats.Problems)
	}
}

// Small reads put every boundary everywhere.
func TestBoundariesDoNotShow(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"Records":[` + recA)
	for i := range 3000 {
		fmt.Fprintf(&b, `,{"eventName":"%d","requestParameters":{"a":"%s"}}`, i, strings.Repeat("\\\"", i%700))
	}
	b.WriteString(`]}`)
	want, _ := names(t, newReader(t, Options{}, "eventName"), text(b.String()))
	in := Input{Name: "slow", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(iotest.HalfReader(strings.NewReader(gzipped(t, b.String())))), nil
	}}
	got, stats := names(t, newReader(t, Options{}, "eventName"), in)
	if diff := cmp.Diff(want, got); diff != "" || stats.Problems != nil || len(got) != 3001 {
		t.Errorf("got %d records, problems %v, (-want +got)\n%s", len(got), stats.Problems, diff)
	}
}

func FuzzRead(f *testing.F) {
	for _, data := range []string{
		`{"Records":[` + recA + `,` + recB + `]}`, `[` + recA + `]`, recA + "\n{\n" + recC, envelopeA,
		`{"Events":[{"CloudTrailEvent":` + quoted(recA) + `}]}`, `{"logEvents":[{"message":` + quoted(recA) + `}]}`,
		`{"message":` + quoted(envelopeA) + `}`, `{"digestS3Object":""}`, "\xef\xbb\xbf[]x",
		`{"eventName":"A","userIdentity":` + quoted(`{"type":"Root"}`) + `,"requestParameters":"{userName=bob}"}`,
	} {
		f.Add([]byte(data), false)
		f.Add([]byte(data), true)
		f.Add([]byte(gzipped(f, data)), true)
	}
	r := newReader(f, Options{MaxRecord: 4096}, "eventName", "userIdentity.type", "requestParameters")
	f.Fuzz(func(t *testing.T, data []byte, oneMember bool) {
		in := Input{Name: "f", OneMember: oneMember, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		}}
		records := 0
		stats := r.Read(t.Context(), in, func(rec *Record) error {
			records++
			if len(rec.Raw) < 2 || len(rec.Raw) > 4096 || rec.Raw[0] != '{' {
				t.Errorf("got record %q", rec.Raw)
			}
			return nil
		})
		if records != stats.Records || stats.Err != nil || stats.Reread {
			t.Errorf("got %d records, stats %+v", records, stats)
		}
		if records == 0 && stats.Problems == nil && stats.Container == Unknown {
			t.Errorf("nothing was read of %q and nothing said", data)
		}
	})
}

func TestOffsets(t *testing.T) {
	data := `{"Records":[` + recA + strings.Repeat(" ", windowSize+100) + `,` + recB + `]}`
	r := newReader(t, Options{}, "eventName")
	r.Read(t.Context(), text(data), func(rec *Record) error {
		if got, want := string(rec.Raw), data[rec.Offset:rec.Offset+int64(len(rec.Raw))]; got != want {
			t.Errorf("record at %d: got %q, want %q", rec.Offset, got, want)
		}
		return nil
	})
}

func TestManyProblemsAreCounted(t *testing.T) {
	_, stats := names(t, newReader(t, Options{}, "eventName"), text(recA+strings.Repeat("\n{\"eventName\":]", 100)))
	if len(stats.Problems) != MaxProblems || stats.ProblemsOmitted != 100-MaxProblems {
		t.Errorf("got %d problems and %d omitted, want %d and %d", len(stats.Problems), stats.ProblemsOmitted, MaxProblems, 100-MaxProblems)
	}
}

func TestCompileFieldsRefuses(t *testing.T) {
	for name, paths := range map[string][]string{
		"an empty key":    {"a..b"},
		"an empty path":   {""},
		"a path twice":    {"a.b", "c", "a.b"},
		"a dot at an end": {"a."},
	} {
		if _, err := CompileFields(paths); err == nil {
			t.Errorf("%s: got no error for %q", name, paths)
		}
	}
}

// White space before a record that is read again must not hold the reader for ever.
func TestOneRefusesWhatIsNoRecord(t *testing.T) {
	fields, err := CompileFields([]string{"eventName"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "\n", "\n \"a\": 1", "\n{\"eventName\": \xea}", " , {}", "{\"eventName\": \"x\\", "\t{\"a\xea\": 1"} {
		if rec, err := NewReader(fields, Options{}).One([]byte(text)); err == nil && string(rec.View.Text(0)) == "x" {
			t.Errorf("%q: got a record with a name, want none", text)
		}
	}
}
