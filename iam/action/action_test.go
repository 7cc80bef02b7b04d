package action

import (
	"bytes"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, pattern, action string
		want                  bool
	}{
		{"case does not matter", "S3:getObject", "s3:getobject", true},
		{"stars alone cover everything", "**", "s3:getobject", true},
		{"a star in the service", "s*:Get*", "sqs:getqueueurl", true},
		{"a star does not cross the colon", "s*Object", "s3:getobject", false},
		{"a question mark is one letter", "s?:GetObject", "s3:getobject", true},
		{"a pattern without a colon names nothing", "GetObject", "s3:getobject", false},
		{"a part of a name", "s3:Get", "s3:getobject", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Parse(c.pattern)
			service, name, _ := bytes.Cut([]byte(c.action), []byte(":"))
			if got := p.Match(service, name); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// What a table says of all names at once is what Match says of each.
func TestCoverIsMatch(t *testing.T) {
	var names []string
	for _, service := range []string{"a", "a-b", "ab", "abc", "b", "s3"} {
		for _, verb := range []string{"Get", "List", "Put"} {
			for _, noun := range []string{"", "A", "Ab", "AbC", "B", "Object"} {
				names = append(names, service+":"+verb+noun)
			}
		}
	}
	table := NewTable(append(names, "no colon", names[0]))
	if table.Len() != len(names) {
		t.Fatalf("got %d actions, want %d", table.Len(), len(names))
	}
	part := rapid.SampledFrom([]string{"*", "a", "a*", "?b", "A-b", "s3", "get*", "*B", "Get", "ListA?", "put*c", "GetObject"})
	lot.Check(t, func(rt *rapid.T) {
		var ps []Pattern
		for range rapid.IntRange(0, 3).Draw(rt, "patterns") {
			text := part.Draw(rt, "service") + ":" + part.Draw(rt, "name")
			if rapid.IntRange(0, 9).Draw(rt, "form") == 0 {
				text = part.Draw(rt, "no colon")
			}
			ps = append(ps, Parse(text))
		}
		excluded := rapid.Bool().Draw(rt, "excluded")
		got := map[int]bool{}
		mask := table.Cover(ps, excluded)
		for _, w := range mask {
			for left := w.Bits; left != 0; left &= left - 1 {
				got[64*w.At+bits.TrailingZeros64(left)] = true
			}
		}
		for i := range table.Len() {
			found := false
			service, name, _ := bytes.Cut([]byte(table.Name(i)), []byte(":"))
			for k := range ps {
				found = found || ps[k].Match(service, name)
			}
			if want := found != excluded; got[i] != want {
				rt.Fatalf("%s: got %v, want %v", table.Name(i), got[i], want)
			}
			delete(got, i)
		}
		if len(got) > 0 {
			rt.Fatalf("got actions that are not there: %v", got)
		}
	})
}

func TestTableFinds(t *testing.T) {
	table := NewTable([]string{"s3:GetObject", "s3-a:Get", "s3:ListBucket", "ec2:RunInstances"})
	for _, c := range []struct {
		name string
		want bool
	}{{"S3:GETOBJECT", true}, {"s3-a:get", true}, {"s3:Get", false}, {"s3:*", false}, {"x:Get", false}, {"Get", false}} {
		i, ok := table.Find(c.name)
		if ok != c.want {
			t.Errorf("%s: got %v, want %v", c.name, ok, c.want)
		}
		if p := Parse(c.name); ok && table.Name(i) != p.Text {
			t.Errorf("%s: got %s", c.name, table.Name(i))
		}
	}
	span, ok := table.Service("s3")
	if !ok || span.To-span.From != 2 || table.Name(span.From) != "s3:getobject" {
		t.Errorf("s3: got %v, %v", span, ok)
	}
}

func TestMaskWithin(t *testing.T) {
	m := Mask{{1, 1}, {4, 1}, {9, 1}}
	for _, c := range []struct{ from, to, want int }{{0, 10, 3}, {1, 4, 1}, {2, 9, 1}, {4, 10, 2}, {5, 9, 0}, {10, 12, 0}} {
		if got := len(m.Within(c.from, c.to)); got != c.want {
			t.Errorf("%d to %d: got %d words, want %d", c.from, c.to, got, c.want)
		}
	}
}
