package metadata

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTableDecodesWhole(t *testing.T) {
	actions, types, keys := 0, 0, 0
	for _, p := range Services() {
		if name, ok := ServiceName(p); !ok || name == "" {
			t.Errorf("name of %s: got %q, want one", p, name)
		}
		actions += len(Actions(p))
		types += len(ResourceTypes(p))
		keys += len(ConditionKeys(p))
	}
	if len(Services()) < 450 || actions < 22_000 || types < 2_300 || keys < 2_500 || len(GlobalKeys()) < 60 {
		t.Errorf("got %d services, %d actions, %d resource types, %d keys, %d global keys", len(Services()), actions, types, keys, len(GlobalKeys()))
	}
	if Date().Before(time.Date(2026, 9, 26, 0, 0, 0, 0, time.UTC)) || Version() == "" {
		t.Errorf("got version %q of %s, want one of 2026-09-26 or later", Version(), Date())
	}
	if len(file) > 700<<10 {
		t.Errorf("got a table of %d bytes, want at most 700 KiB", len(file))
	}
}

func TestFindAction(t *testing.T) {
	for _, c := range []struct {
		name, service, action string
		want                  AccessLevel
		types                 []string
	}{
		{"a read action", "s3", "GetObject", Read, []string{"accesspointobject", "object"}},
		{"case does not matter", "S3", "getobject", Read, []string{"accesspointobject", "object"}},
		{"an action without resources", "s3", "ListAllMyBuckets", List, nil},
		{"permissions management", "iam", "PutRolePolicy", PermissionsManagement, []string{"role"}},
		{"tagging", "ec2", "CreateTags", Tagging, nil},
		{"an action without event", "iam", "PassRole", Write, []string{"role"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, ok := FindAction(c.service, c.action)
			if !ok {
				t.Fatal("got none, want the action")
			}
			if a.Access != c.want {
				t.Errorf("got level %s, want %s", a.Access, c.want)
			}
			for _, want := range c.types {
				if !slices.ContainsFunc(a.Resources, func(r ActionResource) bool { return r.Type == want }) {
					t.Errorf("got resources %v, want %s among them", a.Resources, want)
				}
			}
		})
	}
	for _, c := range []struct{ service, action string }{{"s3", "GetObjects"}, {"nosuch", "GetObject"}, {"", ""}} {
		if a, ok := FindAction(c.service, c.action); ok {
			t.Errorf("FindAction(%q, %q): got %s, want none", c.service, c.action, a)
		}
	}
}

func TestMatchActions(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        []string // first three
		atLeast     int
	}{
		{"one action", "iam:PassRole", []string{"iam:PassRole"}, 1},
		{"a prefix", "iam:deleteuser*", []string{"iam:DeleteUser", "iam:DeleteUserPermissionsBoundary", "iam:DeleteUserPolicy"}, 3},
		{"a question mark", "sqs:?etQueueAttributes", []string{"sqs:GetQueueAttributes", "sqs:SetQueueAttributes"}, 2},
		{"a wildcard in the service", "l?mbda:InvokeAsync", []string{"lambda:InvokeAsync"}, 1},
		{"everything", "*", []string{"a2c:CreateAppDeployment"}, 22_000},
		{"everything in two parts", "*:*", []string{"a2c:CreateAppDeployment"}, 22_000},
		{"an unknown service", "nosuch:*", nil, 0},
		{"a word without a service", "GetObject", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			all := MatchActions(c.value)
			for _, a := range all[:min(len(all), len(c.want))] {
				got = append(got, a.String())
			}
			if len(c.want) == 1 && c.atLeast > 1 {
				got, c.want = nil, nil // only the number counts
			}
			if diff := cmp.Diff(c.want, got); diff != "" || len(all) < c.atLeast {
				t.Errorf("got %d actions, want %d; (-want +got):\n%s", len(all), c.atLeast, diff)
			}
		})
	}
}

func TestFindKey(t *testing.T) {
	for _, c := range []struct {
		name, key, want string
		kind            KeyType
		category        Category
	}{
		{"a global key", "aws:PrincipalOrgID", "aws:PrincipalOrgID", String, OfPrincipal},
		{"case does not matter", "AWS:sourceip", "aws:SourceIp", IPAddress, OfNetwork},
		{"a tag", "aws:ResourceTag/Owner", "aws:ResourceTag/${TagKey}", String, OfResource},
		{"a tag with a colon", "aws:RequestTag/aws:backup:x", "aws:RequestTag/${TagKey}", String, OfRequest},
		{"a key of a service", "iam:PassedToService", "iam:PassedToService", String, NotGlobal},
		{"a multivalued key", "aws:CalledVia", "aws:CalledVia", ArrayOfString, OfRequest},
		{"a key with a placeholder after a colon", "kms:EncryptionContext:aws:s3:arn", "kms:EncryptionContext:${EncryptionContextKey}", String, NotGlobal},
		{"a placeholder in angle brackets", "s3:ExistingObjectTag/x", "s3:ExistingObjectTag/<key>", String, NotGlobal},
		{"a key of a web identity", "accounts.google.com:sub", "accounts.google.com:sub", String, NotGlobal},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, ok := FindKey(c.key)
			if want := (ConditionKey{c.want, c.kind, c.category}); !ok || k != want {
				t.Errorf("got %v %v, want %v", k, ok, want)
			}
		})
	}
	for _, name := range []string{"aws:ResourceTag/", "aws:NoSuchKey", "s3:nosuch", "", "aws"} {
		if k, ok := FindKey(name); ok {
			t.Errorf("FindKey(%q): got %v, want none", name, k)
		}
	}
}

func TestPatternsOfResourceTypes(t *testing.T) {
	for _, r := range ResourceTypes("iam") {
		if r.Name == "role" && !strings.HasPrefix(r.ARN, "arn:${Partition}:iam::${Account}:role/") {
			t.Errorf("got %q, want the template of a role", r.ARN)
		}
	}
	if !slices.Contains(RCPServices(), "s3") || slices.Contains(RCPServices(), "ec2") {
		t.Errorf("got %v, want s3 and not ec2", RCPServices())
	}
	if !KeyPrefix("kms") || KeyPrefix("nosuch") {
		t.Error("KeyPrefix: got a wrong answer for kms or nosuch")
	}
}

// A broken table must be refused, not read half.
func TestDecodeRefusesBrokenTables(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
	}{
		{"empty", nil},
		{"another format", []byte("something 1\n")},
		{"cut", file[:len(file)/2]},
		{"no stream", []byte(format + "1 2026-01-01\n")},
		{"not deflated", append([]byte(format+"1 2026-01-01\n"), 0xff, 0xff, 0xff)},
	} {
		if _, err := decode(c.file); err == nil {
			t.Errorf("%s: got no error", c.name)
		}
	}
}

// What the first question of a process costs.
func BenchmarkFirstUse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		t, err := decode(file)
		if err != nil {
			b.Fatal(err)
		}
		t.services["iam"].body()
	}
}

// What it costs to know everything.
func BenchmarkEveryService(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		t, err := decode(file)
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range t.services {
			s.body()
		}
	}
}
