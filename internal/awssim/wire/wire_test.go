package wire_test

import (
	"encoding/hex"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

type tag struct{ Key, Value string }

type inner struct {
	Enabled *bool
	Count   int `aws:",omit"`
}

// everything has a member of each kind.
type everything struct {
	Name    string `aws:",must"`
	Number  int
	Ratio   float64
	On      bool
	At      time.Time
	Raw     []byte
	Tags    []tag
	Flat    []string `aws:",flat"`
	Map     map[string]string
	Inner   *inner
	Any     any
	Missing string
}

func sample() everything {
	yes := true
	return everything{
		Name: `a<b>&"c"`, Number: -3, Ratio: 0.5, On: true, At: time.Date(2026, 11, 20, 9, 0, 0, 500e6, time.UTC), Raw: []byte{0, 1, 255}, Tags: []tag{{"k", "v"}, {"l", ""}},
		Flat: []string{"x", "y"}, Map: map[string]string{"b": "2", "a": "1"}, Inner: &inner{Enabled: &yes}, Any: map[string]any{"n": int64(1), "l": []any{"e"}},
	}
}

func TestStructsSurviveTheWay(t *testing.T) {
	want := sample()
	for _, c := range []struct {
		name  string
		style wire.Style
		way   func(wire.Node) (any, error)
	}{
		{"JSON", wire.Style{Time: wire.Epoch}, func(n wire.Node) (any, error) { return wire.ParseJSON(n.JSON()) }},
		{"JSON in lower case with ISO times", wire.Style{Time: wire.ISO, Lower: true}, func(n wire.Node) (any, error) { return wire.ParseJSON(n.JSON()) }},
		{"CBOR", wire.Style{}, func(n wire.Node) (any, error) { return wire.ParseCBOR(n.CBOR()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, err := c.way(wire.Marshal(want, c.style))
			if err != nil {
				t.Fatal(err)
			}
			var got everything
			if err := wire.Unmarshal(wire.Request{Tree: tree}, &got, c.style); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestXMLShowsWhatAWSShows(t *testing.T) {
	v := sample()
	v.Any = nil
	got := string(wire.Marshal(v, wire.Style{Time: wire.ISO}).XML("member"))
	want := `<Name>a&lt;b&gt;&amp;&#34;c&#34;</Name><Number>-3</Number><Ratio>0.5</Ratio><On>true</On><At>2026-11-20T09:00:00.500Z</At><Raw>AAH/</Raw>` +
		`<Tags><member><Key>k</Key><Value>v</Value></member><member><Key>l</Key></member></Tags><Flat>x</Flat><Flat>y</Flat>` +
		`<Map><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>2</value></entry></Map><Inner><Enabled>true</Enabled></Inner>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFormsAndXMLAreRead(t *testing.T) {
	form := url.Values{
		"Name": {"n"}, "Number": {"-3"}, "On": {"true"}, "At": {"2026-11-20T09:00:00Z"}, "Tags.member.2.Key": {"l"}, "Tags.member.1.Key": {"k"}, "Tags.member.10.Key": {"m"},
		"Flat.1": {"x"}, "Map.entry.1.key": {"a"}, "Map.entry.1.value": {"1"}, "Inner.Enabled": {"false"},
	}
	fromForm, err := wire.ParseForm(form)
	if err != nil {
		t.Fatal(err)
	}
	fromXML, err := wire.ParseXML([]byte(`<?xml version="1.0"?><In xmlns="x"><Name>n</Name><Number>-3</Number><On>true</On><At>2026-11-20T09:00:00Z</At>` +
		`<Tags><member><Key>k</Key></member><member><Key>l</Key></member><member><Key>m</Key></member></Tags><Flat>x</Flat><Map><entry><key>a</key><value>1</value></entry></Map><Inner><Enabled>false</Enabled></Inner></In>`))
	if err != nil {
		t.Fatal(err)
	}
	no := false
	want := everything{
		Name: "n", Number: -3, On: true, At: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), Tags: []tag{{Key: "k"}, {Key: "l"}, {Key: "m"}}, Flat: []string{"x"},
		Map: map[string]string{"a": "1"}, Inner: &inner{Enabled: &no},
	}
	for name, tree := range map[string]any{"form": fromForm, "XML": fromXML} {
		var got everything
		if err := wire.Unmarshal(wire.Request{Tree: tree, Text: true}, &got, wire.Style{Item: "member"}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

func TestWrongParametersAreNamed(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"one that is not there", `{"Name": "a", "Color": "red"}`, "unknown parameter Color"},
		{"one that is not there, further down", `{"Name": "a", "Inner": {"Color": 1}}`, "unknown parameter Inner.Color"},
		{"one that is missing", `{}`, "missing required parameter Name"},
		{"a number for text", `{"Name": 1}`, "Name: want text"},
		{"text for a number", `{"Name": "a", "Number": "1"}`, "Number: want a number"},
		{"a fraction for a whole number", `{"Name": "a", "Number": 1.5}`, "no whole number"},
		{"a number that is too big", `{"Name": "a", "Number": 1e300}`, "no whole number"},
		{"text for truth", `{"Name": "a", "On": "true"}`, "On: want true or false"},
		{"an object for a list", `{"Name": "a", "Tags": {"Key": {}}}`, "Tags[0].Key: want text"},
		{"a time of the year 300000", `{"Name": "a", "At": 1e13}`, "no time"},
		{"bytes that are not base64", `{"Name": "a", "Raw": "%"}`, "want base64"},
		{"a list for an object", `{"Name": "a", "Inner": []}`, "want an object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, err := wire.ParseJSON([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			var got everything
			if err = wire.Unmarshal(wire.Request{Tree: tree}, &got, wire.Style{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestMembersTravelWhereTheirTagSays(t *testing.T) {
	type in struct {
		ID      string            `aws:"id,uri"`
		Max     int               `aws:"max-results,query"`
		Account string            `aws:"x-amz-account-id,header"`
		Meta    map[string]string `aws:"x-amz-meta-,prefix"`
		Body    []byte            `aws:",payload"`
	}
	r := wire.Request{
		Body: []byte("hello"), URI: map[string]string{"id": "1"}, Query: url.Values{"max-results": {"5"}, "x-id": {"Get"}},
		Header: http.Header{"X-Amz-Account-Id": {"2"}, "X-Amz-Meta-A": {"b"}, "X-Amz-Date": {"now"}},
	}
	var got in
	if err := wire.Unmarshal(r, &got, wire.Style{}); err != nil {
		t.Fatal(err)
	}
	if want := (in{"1", 5, "2", map[string]string{"a": "b"}, []byte("hello")}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	r.Query.Set("color", "red")
	if err := wire.Unmarshal(r, &got, wire.Style{}); err == nil || !strings.Contains(err.Error(), "unknown parameter color") {
		t.Errorf("an unknown query parameter: got %v", err)
	}
	r.Query.Del("color")
	r.Header.Set("X-Amz-Acl", "public-read")
	if err := wire.Unmarshal(r, &got, wire.Style{}); err == nil || !strings.Contains(err.Error(), "unknown header x-amz-acl") {
		t.Errorf("an unknown header: got %v", err)
	}
}

func TestRecordsHideSecrets(t *testing.T) {
	type credentials struct {
		AccessKeyId     string
		SecretAccessKey string `aws:",secret"`
		Blob            []byte
		Empty           []string
	}
	got := string(wire.Everything(struct{ Credentials credentials }{credentials{"AKIA", "secret", []byte("x"), nil}}, wire.Style{Time: wire.ISO}).Recorded().JSON())
	if want := `{"credentials":{"accessKeyId":"AKIA"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The values of RFC 8949, appendix A.
func TestCBORExamples(t *testing.T) {
	for _, c := range []struct {
		hex  string
		want any
	}{
		{"00", int64(0)}, {"1903e8", int64(1000)}, {"1b000000e8d4a51000", int64(1000000000000)}, {"20", int64(-1)}, {"3903e7", int64(-1000)},
		{"f90000", 0.0}, {"f93c00", 1.0}, {"fb3ff199999999999a", 1.1}, {"f97bff", 65504.0}, {"fa47c35000", 100000.0}, {"f90001", 5.960464477539063e-8}, {"f9c400", -4.0},
		{"f97c00", math.Inf(1)}, {"f4", false}, {"f5", true}, {"f6", nil}, {"c11a514b67b0", time.Unix(1363896240, 0).UTC()}, {"c1fb41d452d9ec200000", time.UnixMilli(1363896240500).UTC()},
		{"4401020304", []byte{1, 2, 3, 4}}, {"6449455446", "IETF"}, {"80", []any{}}, {"83010203", []any{int64(1), int64(2), int64(3)}}, {"a26161016162820203", map[string]any{"a": int64(1), "b": []any{int64(2), int64(3)}}},
		{"5f42010243030405ff", []byte{1, 2, 3, 4, 5}}, {"7f657374726561646d696e67ff", "streaming"}, {"9f018202039f0405ffff", []any{int64(1), []any{int64(2), int64(3)}, []any{int64(4), int64(5)}}},
		{"bf61610161629f0203ffff", map[string]any{"a": int64(1), "b": []any{int64(2), int64(3)}}},
	} {
		raw, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.ParseCBOR(raw)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v and %v, want %#v", c.hex, got, err, c.want)
		}
	}
	for _, bad := range []string{"ff", "1c", "61", "9f01", "a10102", "a2616101616102", "1f", "0000", "c161", "5f01ff", strings.Repeat("81", 100) + "00", "9bffffffffffffffff"} {
		raw, err := hex.DecodeString(bad)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := wire.ParseCBOR(raw); err == nil {
			t.Errorf("%s: got %#v, want an error", bad, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Name": "a", "Tags": [{"Key": "k"}]}`))
	f.Add([]byte("<In><Name>a</Name><Tags><member><Key>k</Key></member></Tags></In>"))
	f.Add([]byte("Name=a&Tags.member.1.Key=k&Map.entry.1.key=x&Flat.01=y"))
	f.Add([]byte{0xbf, 0x64, 'N', 'a', 'm', 'e', 0x61, 'a', 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		form, _ := url.ParseQuery(string(body))
		for _, parse := range []struct {
			text bool
			tree func() (any, error)
		}{
			{false, func() (any, error) { return wire.ParseJSON(body) }}, {false, func() (any, error) { return wire.ParseCBOR(body) }},
			{true, func() (any, error) { return wire.ParseXML(body) }}, {true, func() (any, error) { return wire.ParseForm(form) }},
		} {
			tree, err := parse.tree()
			if err != nil {
				continue
			}
			var got everything
			if err := wire.Unmarshal(wire.Request{Tree: tree, Text: parse.text}, &got, wire.Style{Item: "member"}); err != nil {
				continue
			}
			// What was read can be written.
			n := wire.Marshal(got, wire.Style{Time: wire.ISO})
			n.JSON()
			n.XML("member")
			if _, err := wire.ParseCBOR(n.CBOR()); err != nil {
				t.Errorf("%+v: its CBOR is not read: %v", got, err)
			}
		}
	})
}
