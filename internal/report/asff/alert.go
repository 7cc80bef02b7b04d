package asff

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Types of alerts, beside that of their tactic, by which insights find them.
const (
	RootType          = "Unusual Behaviors/User/RootUse"
	SignInFailureType = "Unusual Behaviors/User/SignInFailure"
)

// Alert is an alert, and whether it is over.
type Alert struct {
	rootkeep.Alert
	Closed bool
}

// Alerts gives alerts as findings, as they are imported in a Region. IDs are those of the
// alerts, so that an import updates what an earlier one brought; one that is closed is
// archived. What another service found is left out, because Security Hub has it from there,
// and so is what is of no account. How many that are is said. One about several accounts is a
// finding of each that it names.
func Alerts(list []Alert, region rootkeep.Region, now time.Time) (out []Finding, left int) {
	for i := range list {
		a := &list[i]
		if a.Account == "" && a.Kind != "finding" && len(a.Accounts) > 0 {
			for _, account := range a.Accounts {
				one := *a
				one.Account = account
				finding := ofAlert(&one, region, now)
				finding.ID = cut("rootkeep/"+a.ID+"/"+string(account), maxText)
				out = append(out, finding)
			}
			continue
		}
		if _, err := rootkeep.ParseAccountID(string(a.Account)); err != nil || a.Kind == "finding" {
			left++
			continue
		}
		out = append(out, ofAlert(a, region, now))
	}
	return out, left
}

func ofAlert(a *Alert, region rootkeep.Region, now time.Time) Finding {
	account := string(a.Account)
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	out := Finding{
		SchemaVersion: "2018-10-08", ID: cut("rootkeep/"+a.ID, maxText), ProductName: "rootkeep", CompanyName: "rootkeep", Region: string(region),
		ProductARN:  fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%s/default", region.Partition(), region, account, account),
		GeneratorID: cut("rootkeep/"+lead(&a.Alert), maxText), AWSAccountID: account, Types: types(&a.Alert),
		FirstObservedAt: stamp(a.First), LastObservedAt: stamp(a.Last), CreatedAt: stamp(a.First), UpdatedAt: stamp(now),
		Severity: Severity{Label: strings.ToUpper(a.Level.String()), Original: a.Level.String()},
		Title:    cut(a.Title, maxTitle), Description: cut(story(&a.Alert), maxDescription), ProductFields: alertFields(&a.Alert),
		Resources: []Resource{who(&a.Alert, region)}, RecordState: "ACTIVE",
	}
	if a.Closed {
		out.RecordState = "ARCHIVED"
	}
	if words := report.Next(&a.Alert); words != "" {
		out.Remediation = &Remediation{Recommendation{cut(words, maxText)}}
	}
	return out
}

func lead(a *rootkeep.Alert) string {
	if len(a.Rules) == 0 {
		return a.Kind
	}
	return a.Rules[0].Name
}

var signInFailure = regexp.MustCompile(`(login|signin|mfa)-failure`)

// types are the tactic, as Security Hub writes it, and what insights look for. An alert of
// root is one whose actor is.
//
// Source: AWS Security Hub User Guide, "Types taxonomy for ASFF".
func types(a *rootkeep.Alert) []string {
	var out []string
	if a.Kind == "session" || a.Actor.OfRoot() {
		out = append(out, RootType)
	}
	for _, r := range a.Rules {
		if signInFailure.MatchString(r.Name) {
			out = append(out, SignInFailureType)
			break
		}
	}
	var words []string
	for word := range strings.SplitSeq(a.Tactic, "-") {
		if word != "" {
			words = append(words, strings.ToUpper(word[:1])+word[1:])
		}
	}
	if len(words) > 0 {
		return append(out, cut("TTPs/"+strings.Join(words, " "), maxText))
	}
	if len(out) == 0 {
		out = append(out, "TTPs")
	}
	return out
}

func story(a *rootkeep.Alert) string {
	out := fmt.Sprintf("%s: %s, %d of them failed, from %s to %s.", a.Actor.Principal, text.Counted(a.Count, "event"), a.Attempts, a.First.UTC().Format(time.RFC3339), a.Last.UTC().Format(time.RFC3339))
	if len(a.Accounts) > 0 {
		out += " In " + text.Accounts("", a.Accounts, a.AccountsOmitted > 0, len(a.Accounts)) + "."
	}
	var names []string
	for _, c := range a.Actions {
		names = append(names, c.Text)
	}
	if len(names) > 0 {
		out += " Calls: " + strings.Join(names, ", ") + "."
	}
	return strings.Join(append([]string{out}, a.Notes...), " ")
}

func alertFields(a *rootkeep.Alert) map[string]string {
	out := map[string]string{"rootkeep/Alert": cut(a.ID, maxField), "rootkeep/Principal": cut(a.Actor.Principal, maxField), "rootkeep/Count": fmt.Sprint(a.Count)}
	for name, list := range map[string][]string{"rootkeep/Rules": ruleNames(a), "rootkeep/Addresses": addresses(a), "rootkeep/Techniques": techniques(a)} {
		if len(list) > 0 {
			out[name] = cut(strings.Join(list, " "), maxField)
		}
	}
	return out
}

func ruleNames(a *rootkeep.Alert) (out []string) {
	for _, r := range a.Rules {
		out = append(out, r.Name)
	}
	return out
}

func addresses(a *rootkeep.Alert) (out []string) {
	for _, from := range a.Addresses {
		out = append(out, from.Text)
	}
	return out
}

func techniques(a *rootkeep.Alert) (out []string) {
	for _, t := range a.Techniques {
		out = append(out, t.ID)
	}
	return out
}

// who is the principal as a resource. Root is its account.
func who(a *rootkeep.Alert, region rootkeep.Region) Resource {
	of := rootkeep.Finding{Resource: "account", Account: a.Account}
	if !a.Actor.OfRoot() && a.Kind != "session" {
		of.Resource = cmp.Or(text.Visible(a.Actor.Principal, 0), "unknown")
	}
	return resource(&of, region)
}
