package matrix

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

func globFrom(s string) glob {
	p := pattern.Parse(s, pattern.Syntax{Wildcards: true})
	return globOf(p.Tokens(), &iam.Context{})
}

func (g glob) String() string {
	r := region{5: g}
	return strings.TrimPrefix(r.String(), ":::::")
}

func TestGlobsMeet(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"logs*", "*/*", "logs*/*"},
		{"logs/*", "*/*", "logs/*"},
		{"a*", "*b", "a*b"},
		{"a*b", "*c*", "a*c*b"},
		{"*", "*/*", "*/*"},
		{"", "*", ""},
		{"a?c", "abc", "abc"},
		{"a?", "a*", "a?"},
		{"ab*", "ac*", "-"},
		{"*a", "*b", "-"},
		{"a", "", "-"},
		{"role/*", "role/app", "role/app"},
	} {
		t.Run(c.a+" and "+c.b, func(t *testing.T) {
			for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
				got, ok := globFrom(pair[0]).meet(globFrom(pair[1]))
				text := "-"
				if ok {
					text = got.String()
				}
				if text != c.want {
					t.Errorf("%v: got %s, want %s", pair, text, c.want)
				}
			}
		})
	}
}

// Where two globs have a text in common, their meeting is found, and what it stands
// for is in both.
func TestMeetIsInBoth(t *testing.T) {
	texts := []string{""}
	for range 5 {
		for _, s := range texts {
			if len(s) < 4 {
				texts = append(texts, s+"a", s+"b")
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		draw := rapid.StringOfN(rapid.RuneFrom([]rune("aab*?")), 0, 5, -1)
		a, b := draw.Draw(rt, "a"), draw.Draw(rt, "b")
		pa, pb := pattern.Parse(a, pattern.Syntax{Wildcards: true}), pattern.Parse(b, pattern.Syntax{Wildcards: true})
		got, ok := globFrom(a).meet(globFrom(b))
		common := false
		for _, s := range texts {
			common = common || pa.Match(s) && pb.Match(s)
		}
		if common && !ok {
			rt.Fatalf("%s and %s have texts in common, but do not meet", a, b)
		}
		if !ok {
			return
		}
		r := region{5: got}
		if w := strings.TrimPrefix(r.witness("zz", ""), ":::::"); !pa.Match(w) || !pb.Match(w) {
			rt.Fatalf("%s and %s meet in %s, of which %s is not in both", a, b, got, w)
		}
	})
}

func TestRegionOfAPattern(t *testing.T) {
	c := iam.PartialContext(map[string][]string{"aws:username": {"ann"}})
	for _, x := range []struct{ text, want, witness string }{
		{"arn:aws:s3:::logs/*", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs/zz"},
		{"arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/ann/*", "arn:aws:s3:::home/ann/zz"},
		{"arn:aws:s3:::home/${aws:PrincipalTag/t}", "arn:aws:s3:::home/*", "arn:aws:s3:::home/zz"},
		{"arn:aws:s3:::a${*}b", "arn:aws:s3:::a*b", "arn:aws:s3:::a*b"},
		{"arn:aws:ec2:*:*:instance/i-?", "arn:aws:ec2:*:*:instance/i-?", "arn:aws:ec2:zz:111122223333:instance/i-z"},
		{"arn:aws:sqs*", "arn:aws:sqs*:*:*:*", "arn:aws:sqszz:zz:111122223333:zz"},
	} {
		r, ok := regionOf(x.text, true, &c)
		if got := r.String(); !ok || got != x.want {
			t.Errorf("%s: got %s, %v; want %s", x.text, got, ok, x.want)
		}
		if got := r.witness("zz", "111122223333"); got != x.witness {
			t.Errorf("%s: got witness %s, want %s", x.text, got, x.witness)
		}
	}
	if _, ok := regionOf("**", true, &c); ok {
		t.Error("stars only: got a region")
	}
}
