package mend

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/change/proposal"
	"github.com/rootkeep/rootkeep/internal/register"
)

// enrol is what users do whom mfa-required binds, in the two weeks that it gives them: each
// registers a key.
func (o *Organization) enrol() {
	for _, a := range o.Cloud.Accounts() {
		g := a.Groups["RequireMFA"]
		for _, u := range a.Users {
			if g != nil && slices.Contains(u.Groups, g.Name) && len(u.MFA) == 0 {
				u.MFA = append(u.MFA, &cloud.Device{Serial: a.IAM("u2f/user/" + u.Name + "/key"), Owner: u.ARN, Enabled: o.Now(), Certifications: map[string]string{"FIDO": "L1"}})
			}
		}
	}
}

const (
	vendor         = "999988887777"   // whom a role of the generated organization trusts
	administrators = "administrators" // the group that gets what the user admin carries
)

// Answer is what the people of the generated organization give: whom to tell, which account
// administers, names of what is to be made.
func (o *Organization) Answer(p *proposal.Proposal) map[string]any {
	bucket := "trail-logs-" + string(o.ID("log-archive"))
	organizationTrail := "arn:aws:cloudtrail:" + Home + ":" + string(o.management()) + ":trail/organization"
	switch p.Kind {
	case "alternate-contact":
		desk, _ := p.Parameters["type"].(string)
		if desk == "" {
			return nil
		}
		phone := map[string]string{"SECURITY": "+15550101", "BILLING": "+15550102", "OPERATIONS": "+15550103"}[desk]
		return map[string]any{"name": "On call", "title": "Desk", "email": strings.ToLower(desk) + "@example.com", "phone": phone}
	case "guardduty-administrator", "hub-administrator":
		return map[string]any{"administrator": string(o.ID("security"))}
	case "root-access-delegate":
		return map[string]any{"account": string(o.ID("security"))}
	case "topic-subscription": // by text message, which nobody has to confirm
		return map[string]any{"topic": "arn:aws:sns:" + Home + ":" + string(o.management()) + ":rootkeep-alerts", "protocol": "sms", "endpoint": "+15550100200"}
	case "trail-insights", "trail-s3-data-events", "trail-to-log-group", "trail-management-events":
		return map[string]any{"trail": organizationTrail}
	case "trail-bucket-policy":
		return map[string]any{"others": []any{organizationTrail}}
	case "log-bucket-access-log":
		return map[string]any{"target": bucket}
	case "trust-external-id":
		account := vendor
		if p.Parameters["role"] == scanRole { // which lets in no vendor
			account = string(o.ID("security"))
		}
		return map[string]any{"account": account, "external_id": "7f3a-made-up"}
	case "account-phone":
		return map[string]any{"phone": "+15550104", "name": "Example", "street": "1 Any Street", "city": "Seattle", "state": "WA", "postal_code": "98101", "country": "US"}
	case "assume-root-pin": // the administrators are those whom the finding names
		return map[string]any{"from": "group", "name": administrators}
	case "billing-alarm":
		return map[string]any{"threshold": int64(500)}
	case "user-permissions-to-group":
		if p.Parameters["user"] == "admin" {
			return map[string]any{"group": administrators}
		}
		return map[string]any{"group": fmt.Sprint("work-of-", p.Parameters["user"])}
	case "access-key-deactivate":
		return o.oldest(p)
	case "administrator-detach":
		return o.carrier(p)
	}
	return nil
}

// carrier is who carries the policy of a proposal, as a person finds it with
// ListEntitiesForPolicy.
func (o *Organization) carrier(p *proposal.Proposal) map[string]any {
	arn, _ := p.Parameters["policy"].(string)
	a := o.Cloud.Account(p.Account)
	for _, name := range slices.Sorted(maps.Keys(a.Roles)) {
		if slices.Contains(a.Roles[name].Attached, arn) {
			return map[string]any{"from": "role", "name": name}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Groups)) {
		if slices.Contains(a.Groups[name].Attached, arn) {
			return map[string]any{"from": "group", "name": name}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Users)) {
		if slices.Contains(a.Users[name].Attached, arn) {
			return map[string]any{"from": "user", "name": name}
		}
	}
	return nil
}

// oldest is the oldest active key of the user of a proposal, as a person finds it in the
// console.
func (o *Organization) oldest(p *proposal.Proposal) map[string]any {
	name, _ := p.Parameters["user"].(string)
	u := o.Cloud.Account(p.Account).Users[name]
	if u == nil || p.Account == o.management() && name == "admin" {
		return nil // with whose key all this is done
	}
	for _, k := range u.Keys {
		if k.Active { // one that is younger than the default was never used either
			return map[string]any{"access_key": k.ID, "unused_for": "1d"}
		}
	}
	return nil
}

// Attest is the register of the generated organization: what its people decide, and what
// they would attest in earnest. What one change has to make true is attested when the
// changes are done.
func (o *Organization) Attest(now time.Time, done bool) (*register.Register, error) {
	day := func(days int) string { return now.AddDate(0, 0, days).Format(time.DateOnly) }
	var list []any
	add := func(account rootkeep.AccountID, fact string, value any) {
		list = append(list, map[string]any{"account": account, "fact": fact, "value": value, "by": "jane@example.com", "on": day(0), "expires": day(180)})
	}
	for fact, value := range map[string]any{
		"drill_passed": day(-3), "alarm_tested": day(-3), "digests_verified": day(0), "devices_tested": day(-3), "custodian_changed": day(-3000), "password_apart_from_mfa": true,
		"mailbox_apart_from_phone": true, "group_mailbox": true, "root_windows": []any{}, "spending_watched": true, "organization_aggregator": false,
	} {
		add("*", fact, value)
	}
	if done { // the security account has them for all; until then only it knows that they are missing
		add("*", "organization_analyzer", true)
		add("*", "organization_unused_analyzer", true)
	} else {
		add(o.ID("security"), "organization_analyzer", false)
	}
	add("*", "organization_guardduty_rules", true) // whoever looked into the security account saw that
	add(o.management(), "root_devices", 2)         // a key and a telephone: no root session tells of the management account
	add(o.management(), "root_phishing_resistant", true)
	text, err := json.Marshal(map[string]any{ // which is YAML
		"decisions": map[string]any{
			"owned_domains": []string{"example.com"}, "approved_regions": o.regions(), "security_accounts": []string{string(o.ID("security"))},
			"log_archive_accounts": []string{string(o.ID("log-archive"))}, "known_accounts": []string{vendor, string(o.management()), string(o.ID("security"))}, "log_retention_days": 365,
			"key_services": []string{"s3", "sts", "iam"}, "key_rotation": []any{map[string]any{"class": "people", "users": []string{"*"}, "days": 90}},
		},
		"attestations": list, "exceptions": []any{},
	})
	if err != nil {
		return nil, err
	}
	r, problems := register.Read("register", strings.NewReader(string(text)), now, now)
	return r, errors.Join(problems...)
}

// regions are those that are enabled in the management account.
func (o *Organization) regions() []string {
	var out []string
	for _, r := range o.Cloud.Account(o.management()).Regions() {
		if r.Enabled() {
			out = append(out, r.Name)
		}
	}
	return out
}
