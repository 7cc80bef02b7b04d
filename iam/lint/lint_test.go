package lint

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      Type
	}{
		{"no principal is an identity policy", `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, Identity},
		{"a way to assume a role is a trust policy", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`, Trust},
		{"a resource makes it a resource policy", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}}`, Resource},
		{"a principal makes it a resource policy", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}`, Resource},
	} {
		doc, _ := policy.Parse([]byte(c.src))
		if got := Detect(doc); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	src := "{\n \"Version\": \"2012-10-17\",\n \"Statement\": [{\n  \"Effect\": \"Allow\",\n  \"Action\": [\"s3:GetObject\", \"s4:Get\"],\n  \"Resource\": \"*\",\n" +
		"  \"Condition\": {\"StringLike\": {\"aws:PrincipalTag/é\": \"*\"}}\n }]\n}"
	findings, _ := Source([]byte(src), Options{})
	got := map[string]Location{}
	for _, f := range findings {
		l := f.Locations[0]
		l.span = policy.Span{}
		got[f.Code] = l
	}
	want := map[string]Location{
		"INVALID_SERVICE_IN_ACTION": {Path: "Statement[0].Action[1]", Line: 5, Column: 30},
		"EQUIVALENT_TO_NULL_FALSE":  {Path: "Statement[0].Condition.StringLike.aws:PrincipalTag/é", Line: 7, Column: 54},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Location{})); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

// An action that the table lacks may be newer than the table.
func TestUnknownActionsOfAnOldTableAreWarnings(t *testing.T) {
	src := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObjectHologram","hologram:Get"],"Resource":"*"}]}`)
	for _, c := range []struct {
		name string
		now  time.Time
		want Severity
	}{
		{"no clock", time.Time{}, Error},
		{"a fresh table", metadata.Date().AddDate(0, 1, 0), Error},
		{"an old table", metadata.Date().AddDate(1, 0, 0), Warning},
	} {
		findings, _ := Source(src, Options{Now: c.now})
		for _, f := range findings {
			if f.Severity != c.want {
				t.Errorf("%s: got %s for %s, want %s", c.name, f.Severity, f.Code, c.want)
			}
		}
		if len(findings) != 2 {
			t.Errorf("%s: got %v, want two findings", c.name, codesOf(findings))
		}
	}
}

func TestSuggestions(t *testing.T) {
	for _, c := range []struct{ name, action, want string }{
		{"a letter too many", "s3:GetObjects", "did you mean GetObject?"},
		{"another letter", "iam:PassRola", "did you mean PassRole?"},
		{"a service that is misspelt", "dynamdb:GetItem", "did you mean dynamodb?"},
	} {
		findings, _ := Source([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+c.action+`","Resource":"*"}]}`), Options{})
		if len(findings) != 1 || !strings.Contains(findings[0].Message, c.want) {
			t.Errorf("%s: got %+v, want %q", c.name, findings, c.want)
		}
	}
}

func TestHostilePoliciesEndSoon(t *testing.T) {
	many := func(n int, item string) string {
		return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
	}
	var tags strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&tags, `"aws:ResourceTag/%d":"x",`, i)
	}
	tags.WriteString(`"aws:ResourceTag/a":"x"`)
	for _, c := range []struct{ name, src string }{
		{"fifty thousand wildcards", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + many(50_000, `"ec2:*a*b*c*"`) + `],"Resource":"*"}]}`},
		{"fifty thousand unknown names", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + many(50_000, `"ec2:DescribeInstancez"`) + `],"Resource":"*"}]}`},
		{"long ARNs of stars", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":[` + many(2_000, `"arn:aws:ec2:*:*:`+strings.Repeat("*a", 500)+`"`) + `]}]}`},
		{"question marks beside stars", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":["` + strings.Repeat("?", 500_000) + `","` + strings.Repeat("*a", 100_000) + `"]}]}`},
		{"twenty thousand statements", `{"Version":"2012-10-17","Statement":[` + many(20_000, `{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`) + `]}`},
		{"twenty thousand conditions", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{` + tags.String() + `}}}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			done := time.AfterFunc(2*time.Minute, func() { panic(c.name + ": not done after two minutes") })
			defer done.Stop()
			findings, _ := Source([]byte(c.src), Options{Type: SCP, Now: caseNow()})
			if !slices.Contains(codesOf(findings), "RK_NOT_JUDGED_WHOLE") {
				t.Logf("judged whole, %d findings", len(findings))
			}
		})
	}
}

func FuzzSource(f *testing.F) {
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username, 'x'}/*"}]}`), uint8(1))
	f.Fuzz(func(t *testing.T, src []byte, kind uint8) {
		types := append(Types(), Unknown)
		findings, _ := Source(src, Options{Type: types[int(kind)%len(types)], Now: caseNow()})
		for _, x := range findings {
			if _, ok := codes().byName[x.Code]; !ok || x.Message == "" {
				t.Fatalf("got %+v, want a known code and a message", x)
			}
			for _, l := range x.Locations {
				start, end := l.Offset()
				if l.Line < 1 || l.Column < 1 || start < 0 || end > len(src) || l.Line > 1+bytes.Count(src, []byte("\n")) {
					t.Fatalf("%s: got %+v, %d to %d of %d bytes", x.Code, l, start, end, len(src))
				}
			}
		}
	})
}
