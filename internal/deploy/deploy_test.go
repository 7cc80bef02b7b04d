package deploy_test

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/deploy"
	"github.com/rootkeep/rootkeep/internal/deploy/cloudformation"
	"github.com/rootkeep/rootkeep/internal/deploy/deploytest"
	"github.com/rootkeep/rootkeep/internal/deploy/terraform"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func TestOptionsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*deploy.Options)
		says   string
	}{
		{"a name that ends a text", func(o *deploy.Options) { o.Name = `x"` + "\n" }, "name"},
		{"a name with a reference", func(o *deploy.Options) { o.Name = "${account}" }, "name"},
		{"a name that is too long", func(o *deploy.Options) { o.Name = strings.Repeat("x", 21) }, "name"},
		{"a Region that is none", func(o *deploy.Options) { o.Home = "eu-west-1\nx" }, "home Region"},
		{"an organization without its account", func(o *deploy.Options) { o.Organization = "o-a1b2c3d4e5" }, "needs the account"},
		{"an organization that is none", func(o *deploy.Options) { o.Organization = "o-A" }, "organization"},
		{"a management account without an organization", func(o *deploy.Options) { o.Management = "111122223333" }, "goes with an organization"},
		{"an archive without an organization", func(o *deploy.Options) { o.Archive = "333344445555" }, "goes with the trail of an organization"},
		{"an archive of no trail", func(o *deploy.Options) {
			*o = deploytest.Options()["archive"]
			o.Without = []deploy.Part{deploy.Trail}
		}, "goes with the trail of an organization"},
		{"an archive that makes the trail", func(o *deploy.Options) {
			*o = deploytest.Options()["archive"]
			o.Archive = o.Account
		}, "neither makes the trail"},
		{"an archive that manages the organization", func(o *deploy.Options) {
			*o = deploytest.Options()["archive"]
			o.Archive = o.Management
		}, "nor manages the organization"},
		{"an archive that is none", func(o *deploy.Options) {
			*o = deploytest.Options()["archive"]
			o.Archive = "3333"
		}, "archive"},
		{"an account that is none", func(o *deploy.Options) { o.Account = "1111" }, "account"},
		{"an address with a comma", func(o *deploy.Options) { o.Emails = []string{"a@example.com,b@example.com"} }, "mail address"},
		{"an address with a name", func(o *deploy.Options) { o.Emails = []string{"Eve <a@example.com>"} }, "mail address"},
		{"an address with a template", func(o *deploy.Options) { o.Emails = []string{"${aws_iam_user.x}@example.com"} }, "mail address"},
		{"an address twice", func(o *deploy.Options) { o.Emails = []string{"a@example.com", "a@example.com"} }, "twice"},
		{"an external ID with a quotation mark", func(o *deploy.Options) { o.ExternalID = `a"b` }, "external ID"},
		{"a lock that is none", func(o *deploy.Options) { o.LockMode = "forever" }, "governance or compliance"},
		{"a lock beyond the end", func(o *deploy.Options) { o.LockMode, o.LockDays = "compliance", 3000 }, "1 to the 2557"},
		{"days of no lock", func(o *deploy.Options) { o.LockDays = 30 }, "go with a lock mode"},
		{"log files for a week", func(o *deploy.Options) { o.KeepDays = 7 }, "90 to 36500"},
		{"a retention that CloudWatch does not know", func(o *deploy.Options) { o.LogDays = 100 }, "CloudWatch Logs knows"},
		{"a period of ten minutes", func(o *deploy.Options) { o.Period = 600 }, "period"},
		{"a period of no minutes", func(o *deploy.Options) { o.Period = 90 }, "period"},
		{"a threat set of no list", func(o *deploy.Options) { o.ThreatSet = deploy.ThreatEntities }, "goes with a threat list"},
		{"a threat set that is none", func(o *deploy.Options) { o.ThreatList, o.ThreatSet = true, "domain" }, "want entity or address"},
		{"a threat list without GuardDuty", func(o *deploy.Options) { o.ThreatList, o.Without = true, []deploy.Part{deploy.GuardDuty} }, "goes with the part guardduty"},
		{"a part that is none", func(o *deploy.Options) { o.Without = []deploy.Part{"siem"} }, "want one of trail"},
		{"alarms without a log group", func(o *deploy.Options) { o.Without = []deploy.Part{deploy.Logs} }, "part alarms needs part logs"},
		{"nothing at all", func(o *deploy.Options) {
			for _, a := range deploy.Parts() {
				o.Without = append(o.Without, a.Part)
			}
		}, "every part is left out"},
		{"an action that is none", func(o *deploy.Options) { o.Actions = append(o.Actions, `iam:*"`) }, "action"},
		{"a role that may do nothing", func(o *deploy.Options) { o.Actions = nil }, "the role needs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := deploytest.Options()["account"]
			c.change(&o)
			if _, err := deploy.Build(o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error with %q", err, c.says)
			}
		})
	}
}

// Whatever is asked for, it is refused or both forms can be written of it, and nothing
// that was given ends the text that it stands in.
func TestHostileOptionsGetIntoNoTemplate(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching("[a-z0-9\"'${}%\\\\\\n:@.-]{0,20}"))
		o := deploytest.Options()["organization"]
		for name, at := range map[string]*string{"name": &o.Name, "home": &o.Home, "organization": &o.Organization, "account": &o.Account, "archive": &o.Archive, "external": &o.ExternalID, "lock": &o.LockMode} {
			if rapid.Bool().Draw(t, "change "+name) {
				*at = text.Draw(t, name)
			}
		}
		o.Emails = append(o.Emails, text.Draw(t, "mail"))
		s, err := deploy.Build(o)
		if err != nil {
			return
		}
		for _, given := range append([]string{o.Name, o.Home, o.Organization, o.Account, o.Archive, o.ExternalID, o.LockMode}, o.Emails...) {
			if strings.ContainsAny(given, "\"'${}%\\\n \t") {
				t.Fatalf("%q was taken", given)
			}
		}
		var b bytes.Buffer
		for _, p := range s.Places {
			if err := cloudformation.Write(&b, s, p); err != nil {
				t.Fatal(err)
			}
		}
		if err := terraform.Write(&b, s, "home"); err != nil {
			t.Fatal(err)
		}
	})
}

var known = regexp.MustCompile(`^(account|region|partition|suffix|parameter\.[A-Za-z]+)$`)

// Every ID is there once in its place, every resource that another names is there, and
// every reference in a text is one that both forms know.
func TestAStackIsWhole(t *testing.T) {
	for name, o := range deploytest.Options() {
		s, err := deploy.Build(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Places {
			var ids []string
			for _, r := range p.Resources {
				if slices.Contains(ids, r.Ident()) {
					t.Errorf("%s, %s: %s is there twice", name, p.Name, r.Ident())
				}
				ids = append(ids, r.Ident())
				if slices.Contains(o.Without, r.Of()) {
					t.Errorf("%s, %s: %s is of part %s, which is left out", name, p.Name, r.Ident(), r.Of())
				}
			}
			for _, r := range p.Resources {
				v := reflect.ValueOf(r)
				for _, field := range []string{"Key", "Topic", "LogID", "LogGroup", "LogRole", "BucketID", "LogsID", "Queue", "Recorder", "RoleID"} {
					if f := v.FieldByName(field); f.IsValid() && f.Type() == reflect.TypeFor[string]() && f.String() != "" && !slices.Contains(ids, f.String()) {
						t.Errorf("%s, %s: %s names %s %q, which is not there", name, p.Name, r.Ident(), field, f.String())
					}
				}
				texts(v, func(text deploy.Text) {
					for _, m := range regexp.MustCompile(`\$\{([^}]*)\}`).FindAllStringSubmatch(string(text), -1) {
						parameter, named := strings.CutPrefix(m[1], "parameter.")
						if !known.MatchString(m[1]) || named && !slices.ContainsFunc(p.Parameters, func(p deploy.Parameter) bool { return p.Name == parameter }) {
							t.Errorf("%s, %s: %s refers to %s", name, p.Name, r.Ident(), m[0])
						}
					}
				})
			}
		}
	}
}

// texts calls found for every Text in a value.
func texts(v reflect.Value, found func(deploy.Text)) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[deploy.Text]() {
			found(deploy.Text(v.String()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			texts(v.Field(i), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			texts(v.Index(i), found)
		}
	case reflect.Interface:
		texts(v.Elem(), found)
	}
}

// A filter pattern has 1,024 characters at most (CloudWatch Logs API Reference,
// PutMetricFilter).
func TestPatternsFit(t *testing.T) {
	for _, w := range deploy.Watches() {
		if len(w.Pattern) > 1024 || !slices.Contains(w.Thresholds, 1) {
			t.Errorf("%s: a pattern of %d characters, thresholds %v", w.Name, len(w.Pattern), w.Thresholds)
		}
	}
}

// Both forms say the same of alarms, and of what they count.
func TestTerraformHasWhatCloudFormationHas(t *testing.T) {
	s, err := deploy.Build(deploytest.Options()["account"])
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := terraform.Write(&b, s, "home"); err != nil {
		t.Fatal(err)
	}
	alarms := 0
	for _, r := range s.Places[0].Resources {
		switch r := r.(type) {
		case deploy.MetricFilter:
			if !strings.Contains(b.String(), ` = "`+strings.ReplaceAll(r.Pattern, `"`, `\"`)+`"`) {
				t.Errorf("%s: got no such pattern", r.ID)
			}
		case deploy.Alarm:
			alarms++
		}
	}
	text := regexp.MustCompile(` += `).ReplaceAllString(b.String(), " = ")
	for _, line := range []string{`statistic = "Sum"`, `comparison_operator = "GreaterThanOrEqualToThreshold"`, `treat_missing_data = "notBreaching"`, "evaluation_periods = 1"} {
		if got := strings.Count(text, line); got != alarms || alarms < 15 {
			t.Errorf("%s: got %d times, want for each of %d alarms", line, got, alarms)
		}
	}
}
