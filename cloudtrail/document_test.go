package cloudtrail

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
)

// seen is what a reader delivers of an object: the values of its fields and the records.
type seen struct {
	Values [][][]string
	Raw    []any
}

func see(t *testing.T, r *Reader, fields int, data string) (seen, Stats) {
	t.Helper()
	var out seen
	stats := r.Read(t.Context(), text(data), func(rec *Record) error {
		var raw any
		if err := json.Unmarshal(rec.Raw, &raw); err != nil {
			t.Errorf("raw record %q: %v", rec.Raw, err)
		}
		values := fieldValues(rec.View, fields)
		again, err := r.One(rec.Raw)
		if err != nil {
			t.Errorf("raw record %q: %v", rec.Raw, err)
		} else if diff := cmp.Diff(values, fieldValues(again.View, fields)); diff != "" {
			t.Errorf("record %q read again (-want +got)\n%s", rec.Raw, diff)
		}
		out.Values, out.Raw = append(out.Values, values), append(out.Raw, raw)
		return nil
	})
	return out, stats
}

// asText gives every object of a record's documents as text.
func asText(t *testing.T, record []byte) string {
	t.Helper()
	var b strings.Builder
	for i, m := range naiveMembers(record) {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		value := string(m.value)
		if documentOf([]byte(m.name)) != "" && value[0] == '{' {
			value = quoted(value)
		}
		b.WriteString(quoted(m.name) + ":" + value)
	}
	return b.String() + "}"
}

func TestObjectsGivenAsTextReadAsObjects(t *testing.T) {
	fields := append([]string{"requestParameters", "responseElements.credentials.accessKeyId", "userIdentity.sessionContext.attributes.mfaAuthenticated"}, huntFields...)
	r := newReader(t, Options{}, fields...)
	var objects, texts strings.Builder
	for _, rec := range naiveElements(naiveMembers([]byte(trail(300, 5)))[0].value) {
		objects.Write(rec)
		texts.WriteString(asText(t, rec) + "\n")
	}
	want, _ := see(t, r, len(fields), objects.String())
	got, stats := see(t, r, len(fields), texts.String())
	if diff := cmp.Diff(want, got); diff != "" || stats.Problems != nil || len(want.Raw) != 300 {
		t.Errorf("%d records, problems %v (-objects +texts)\n%s", len(want.Raw), stats.Problems, diff)
	}
}

func TestTextsInPlaceOfObjects(t *testing.T) {
	deep := strings.Repeat(`{"a":`, MaxDepth-1) + "1" + strings.Repeat("}", MaxDepth-1)
	tests := []struct {
		name, value string
		want        string // of requestParameters, "" for a record that is left as it is
		lost        bool
	}{
		{"an object", quoted(`{"userName":"bob"}`), `{"userName":"bob"}`, false},
		{"white space around it", quoted(" \n{\"userName\" : \"bob\"}\t"), `{"userName" : "bob"}`, false},
		{"an escaped bracket", `"\u007b\u0022userName\u0022:\"bob\"}"`, `{"userName":"bob"}`, false},
		{"no object: null", `"null"`, "", false},
		{"no object: an array", `"[{}]"`, "", false},
		{"no object: a word", `"HIDDEN_DUE_TO_SECURITY_REASONS"`, "", false},
		{"nothing", `""`, "", false},
		{"a map as Athena prints it", `"{userName=bob}"`, "", true},
		{"cut", quoted(`{"userName":"bo`), "", true},
		{"two objects", quoted(`{"userName":"bob"}{}`), "", true},
		{"what would add fields to the record", quoted(`{"userName":"bob"},"eventName":"B"`), "", true},
		{"half a character", `"{\"userName\":\"\ud800\"}"`, "", true},
		{"half a character within", quoted(`{"userName":"bob","x":"\ud800"}`), `{"userName":"bob","x":"\ud800"}`, false},
		{"as deep as may be", quoted(deep), deep, false},
		{"too deep", quoted(`{"a":` + deep + `}`), "", true},
	}
	r := newReader(t, Options{}, "eventName", "requestParameters")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			record := `{"eventName":"A","requestParameters":` + tt.value + `,"eventVersion":"1.11"}`
			wantRaw, wantValue := record, ""
			if tt.want != "" {
				wantRaw = strings.Replace(record, tt.value, strings.TrimSpace(tt.want), 1)
				wantValue = describe(rootkeep.Value{Kind: rootkeep.Object, Text: []byte(tt.want)})
			} else {
				var s string
				_ = json.Unmarshal([]byte(tt.value), &s)
				wantValue = "4 " + s
			}
			n := 0
			stats := r.Read(t.Context(), text(record), func(rec *Record) error {
				n++
				values := fieldValues(rec.View, 2)
				if diff := cmp.Diff([][]string{{"4 A"}, {wantValue}}, values); diff != "" {
					t.Errorf("values (-want +got)\n%s", diff)
				}
				if got, want := compact(t, rec.Raw), compact(t, []byte(wantRaw)); got != want {
					t.Errorf("raw: got %s, want %s", got, want)
				}
				return nil
			})
			var want []string
			if tt.lost {
				want = []string{"not-an-object@0"}
			}
			if diff := cmp.Diff(want, problems(stats)); diff != "" || n != 1 {
				t.Errorf("%d records; problems (-want +got)\n%s", n, diff)
			}
		})
	}
}

func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What the scanner doubts the standard library scans, and finds the same texts.
func TestTextsInDoubtfulRecords(t *testing.T) {
	const odd = "\"x\":\"\xff\","
	r := newReader(t, Options{}, "eventName", "userIdentity.type", "x")
	for name, record := range map[string]string{
		"before": `{"eventName":"A",` + odd + `"userIdentity" : ` + quoted(`{"type":"Root"}`) + `}`,
		"after":  `{"userIdentity":` + quoted(`{"type":"Root"}`) + `,` + odd + `"eventName":"A"}`,
		"within": `{"eventName":"A","x":"\ufffd","userIdentity":` + quoted("{\"type\":\"Root\",\"arn\":\"\xff\"}") + `}`,
	} {
		n := 0
		stats := r.Read(t.Context(), text(record), func(rec *Record) error {
			n++
			if diff := cmp.Diff([][]string{{"4 A"}, {"4 Root"}, {"4 \ufffd"}}, fieldValues(rec.View, 3)); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
			return nil
		})
		if n != 1 || stats.Problems != nil {
			t.Errorf("%s: %d records, problems %v", name, n, stats.Problems)
		}
	}
}

func TestFieldsThatAreTextStayText(t *testing.T) {
	r := newReader(t, Options{}, "eventName", "errorMessage", "requestParameters.policyDocument")
	record := `{"eventName":"A","errorMessage":"{\"a\":1}","requestParameters":{"policyDocument":"{\"Version\":\"2012-10-17\"}"}}`
	r.Read(t.Context(), text(record), func(rec *Record) error {
		if diff := cmp.Diff([][]string{{"4 A"}, {`4 {"a":1}`}, {`4 {"Version":"2012-10-17"}`}}, fieldValues(rec.View, 3)); diff != "" || string(rec.Raw) != record {
			t.Errorf("%s (-want +got)\n%s", rec.Raw, diff)
		}
		return nil
	})
}
