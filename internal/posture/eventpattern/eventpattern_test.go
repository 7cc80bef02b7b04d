package eventpattern_test

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

const (
	no      = filterpattern.False
	unknown = filterpattern.Unknown
	yes     = filterpattern.True
)

const event = `{"source": "aws.signin", "detail-type": "AWS Console Sign In via CloudTrail", "region": "us-east-1", "resources": ["arn:a", "arn:b"],
	"detail": {"eventName": "ConsoleLogin", "userIdentity": {"type": "Root"}, "n": 300, "e": 3.0e2, "ip": "10.0.0.7", "six": "2001:db8::1", "nil": null, "flag": true, "empty": "",
	"none": [], "star": "a*b", "list": [{"k": "1", "v": "x"}, {"k": "2", "v": "y"}]}}`

func TestMatch(t *testing.T) {
	e, err := eventpattern.Decode([]byte(event))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, pattern string
		want          filterpattern.Truth
	}{
		{"one value", `{"source": ["aws.signin"]}`, yes},
		{"another value", `{"source": ["aws.iam"]}`, no},
		{"one of several values", `{"source": ["aws.iam", "aws.signin"]}`, yes},
		{"case counts", `{"source": ["AWS.signin"]}`, no},
		{"all members have to match", `{"source": ["aws.signin"], "region": ["eu-west-1"]}`, no},
		{"a member of a member", `{"detail": {"userIdentity": {"type": ["Root"]}}}`, yes},
		{"a value of a list", `{"resources": ["arn:b"]}`, yes},
		{"a member that is not there", `{"detail": {"x": ["y"]}}`, no},
		{"null", `{"detail": {"nil": [null]}}`, yes},
		{"null is not an empty text", `{"detail": {"nil": [""]}}`, no},
		{"an empty text", `{"detail": {"empty": [""]}}`, yes},
		{"true", `{"detail": {"flag": [true]}}`, yes},
		{"true is no text", `{"detail": {"flag": ["true"]}}`, no},
		{"a number by its text", `{"detail": {"n": [300]}}`, yes},
		{"the same number written otherwise", `{"detail": {"e": [300]}}`, no},
		{"prefix", `{"source": [{"prefix": "aws."}]}`, yes},
		{"prefix that is longer than the text", `{"source": [{"prefix": "aws.signin.and.more"}]}`, no},
		{"prefix of another case", `{"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}`, yes},
		{"suffix", `{"source": [{"suffix": "in"}]}`, yes},
		{"suffix of another case", `{"source": [{"suffix": {"equals-ignore-case": "SIGNIN"}}]}`, yes},
		{"suffix counts case", `{"source": [{"suffix": "IN"}]}`, no},
		{"equals-ignore-case", `{"detail": {"userIdentity": {"type": [{"equals-ignore-case": "root"}]}}}`, yes},
		{"wildcard", `{"detail-type": [{"wildcard": "AWS * via CloudTrail"}]}`, yes},
		{"wildcard whose parts overlap", `{"source": [{"wildcard": "aws.signin*signin"}]}`, no},
		{"wildcard with a literal star", `{"detail": {"star": [{"wildcard": "a\\*b"}]}}`, yes},
		{"wildcard with a literal star elsewhere", `{"source": [{"wildcard": "aws\\*"}]}`, no},
		{"anything-but", `{"source": [{"anything-but": "aws.iam"}]}`, yes},
		{"anything-but itself", `{"source": [{"anything-but": ["aws.iam", "aws.signin"]}]}`, no},
		{"anything-but what is not there", `{"detail": {"x": [{"anything-but": "y"}]}}`, no},
		{"anything-but numbers", `{"detail": {"n": [{"anything-but": [300, 400]}]}}`, no},
		{"anything-but null", `{"detail": {"nil": [{"anything-but": "x"}]}}`, unknown},
		{"anything-but prefix", `{"source": [{"anything-but": {"prefix": "aws."}}]}`, no},
		{"anything-but several prefixes", `{"source": [{"anything-but": {"prefix": ["com.", "org."]}}]}`, yes},
		{"anything-but suffix", `{"source": [{"anything-but": {"suffix": ".iam"}}]}`, yes},
		{"anything-but wildcard", `{"source": [{"anything-but": {"wildcard": "*sign*"}}]}`, no},
		{"anything-but whatever case", `{"source": [{"anything-but": {"equals-ignore-case": "AWS.SIGNIN"}}]}`, no},
		{"numeric", `{"detail": {"n": [{"numeric": [">", 0, "<=", 300]}]}}`, yes},
		{"numeric compares values", `{"detail": {"e": [{"numeric": ["=", 300]}]}}`, yes},
		{"numeric below", `{"detail": {"n": [{"numeric": ["<", 300]}]}}`, no},
		{"numeric of a text", `{"source": [{"numeric": ["=", 1]}]}`, no},
		{"cidr", `{"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}}`, yes},
		{"cidr elsewhere", `{"detail": {"ip": [{"cidr": "10.0.1.0/24"}]}}`, no},
		{"cidr of IPv6", `{"detail": {"six": [{"cidr": "2001:db8::/32"}]}}`, yes},
		{"cidr of no address", `{"source": [{"cidr": "10.0.0.0/8"}]}`, no},
		{"exists", `{"detail": {"eventName": [{"exists": true}]}}`, yes},
		{"exists not", `{"detail": {"errorCode": [{"exists": false}]}}`, yes},
		{"exists not, and is there", `{"detail": {"eventName": [{"exists": false}]}}`, no},
		{"exists not below what is not there", `{"other": {"errorCode": [{"exists": false}]}}`, yes},
		{"exists of an object", `{"detail": {"userIdentity": [{"exists": true}]}}`, unknown},
		{"exists of a list without elements", `{"detail": {"none": [{"exists": true}]}}`, unknown},
		{"exists not of a list without elements", `{"detail": {"none": [{"exists": false}]}}`, unknown},
		{"$or", `{"$or": [{"source": ["aws.iam"]}, {"region": ["us-east-1"]}]}`, yes},
		{"$or of none", `{"$or": [{"source": ["aws.iam"]}, {"region": ["eu-west-1"]}]}`, no},
		{"$or beside a member", `{"source": ["aws.iam"], "$or": [{"region": ["us-east-1"]}, {"region": ["x"]}]}`, no},
		{"$or within", `{"detail": {"$or": [{"eventName": ["x"]}, {"userIdentity": {"type": ["Root"]}}]}}`, yes},
		{"$or as a name", `{"$or": ["x"]}`, no},
		{"members of one element", `{"detail": {"list": {"k": ["1"], "v": ["x"]}}}`, yes},
		{"members of different elements", `{"detail": {"list": {"k": ["1"], "v": ["y"]}}}`, no},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := eventpattern.Parse(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(e); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseRefusesWhatAWSRefuses(t *testing.T) {
	for _, c := range []struct{ name, pattern, want string }{
		{"no JSON", `{`, "unexpected EOF"},
		{"text after the end", `{"a": ["b"]} {}`, "after the end"},
		{"a list", `[]`, "want a JSON object"},
		{"nothing", `{}`, "the pattern: an empty object"},
		{"the guide's form: dotted keys and bare values", `{"userIdentity.type": "Root", "sourceIPAddress": "*"}`, "sourceIPAddress: want an object or a list"},
		{"an empty list", `{"a": []}`, "a: an empty list"},
		{"a list in a list", `{"a": [[1]]}`, "a list in a list"},
		{"an unknown comparison", `{"a": {"b": [{"contains": "x"}]}}`, `a.b: "contains" is no comparison`},
		{"two comparisons in one", `{"a": [{"prefix": "x", "suffix": "y"}]}`, "2 comparisons"},
		{"exists of a text", `{"a": [{"exists": "yes"}]}`, "want true or false"},
		{"numeric without a number", `{"a": [{"numeric": [">"]}]}`, "want a list such as"},
		{"numeric with a text", `{"a": [{"numeric": [">", "1"]}]}`, "and a number"},
		{"cidr of no range", `{"a": [{"cidr": "10.0.0.1"}]}`, "want a range"},
		{"two stars", `{"a": [{"wildcard": "a**"}]}`, "two stars"},
		{"a backslash alone", `{"a": [{"wildcard": "a\\b"}]}`, `before something other`},
		{"anything-but numeric", `{"a": [{"anything-but": {"numeric": [">", 1]}}]}`, "does not go with it"},
		{"anything-but true", `{"a": [{"anything-but": [true]}]}`, "want texts or numbers"},
		{"prefix of a number", `{"a": [{"prefix": 1}]}`, "want a text"},
		{"too deep", strings.Repeat(`{"a": `, 200) + `["x"]` + strings.Repeat("}", 200), "within each other"},
		{"too long", `{"a": ["` + strings.Repeat("x", 1<<15) + `"]}`, "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := eventpattern.Parse(c.pattern); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestARecordAsEventBridgeDeliversIt(t *testing.T) {
	record := map[string]any{"eventType": "AwsConsoleSignIn", "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "awsRegion": "us-east-1"}
	p, err := eventpattern.Parse(`{"source": ["aws.signin"], "detail-type": ["AWS Console Sign In via CloudTrail"], "region": ["us-east-1"], "detail": {"eventName": ["ConsoleLogin"]}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Match(eventpattern.Event(record)); got != yes {
		t.Errorf("got %s, want yes", got)
	}
	for _, c := range []struct {
		kind, name string
		want       bool
	}{
		{"AwsConsoleSignIn", "ConsoleLogin", false}, {"AwsApiCall", "ListUsers", true}, {"AwsApiCall", "GetSessionToken", false},
		{"AwsApiCall", "CreateUser", false}, {"AwsApiCall", "DescribeTrails", true}, {"AwsConsoleSignIn", "GetSigninToken", false},
	} {
		if got := eventpattern.ReadOnly(map[string]any{"eventType": c.kind, "eventName": c.name}); got != c.want {
			t.Errorf("%s %s: got %t, want %t", c.kind, c.name, got, c.want)
		}
	}
	for pattern, want := range map[string]bool{
		`{"source": ["aws.signin"]}`: true, `{"detail-type": ["EC2 Instance State-change Notification"]}`: false, `{"detail-type": [{"suffix": "via CloudTrail"}]}`: true,
		`{"detail-type": {"x": ["y"]}}`: false,
	} {
		if p, err := eventpattern.Parse(pattern); err != nil || p.OfCloudTrail() != want {
			t.Errorf("%s: got %v, want %t", pattern, err, want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add(`{"detail": {"eventName": [{"wildcard": "a*b*c"}, null], "$or": [{"a": ["b"]}, {"n": [{"numeric": [">", 0]}]}]}}`, event)
	f.Add(`{"a": [{"anything-but": {"prefix": ["x"]}}]}`, `{"a": [[], {}, null]}`)
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := eventpattern.Parse(pattern)
		if err != nil {
			return
		}
		p.OfCloudTrail()
		if v, err := eventpattern.Decode([]byte(text)); err == nil {
			p.Match(v)
		}
	})
}
