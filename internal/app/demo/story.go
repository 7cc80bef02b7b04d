package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Places that people of the story sign in from (RFC 5737: addresses for documentation).
const (
	office   = "192.0.2.10"
	home     = "192.0.2.77"
	abroad   = "198.51.100.23"
	stranger = "203.0.113.66"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// happening is something out of the ordinary.
type happening struct {
	day    int           // from 0; negative: before the end
	of     time.Duration // of the day
	happen func(*World) error
	told   told // what people do at the server then; nil for nothing
}

// story is what happens beside the working days.
var story = []happening{
	{1, 10 * time.Hour, proveLogs, nil},
	{3, 9 * time.Hour, repairAlarm, nil},
	{6, 22 * time.Hour, guessPassword, nil},
	{7, 8 * time.Hour, signInAsRoot("app-1", stranger, false), nil},
	{7, 9 * time.Hour, nil, look},
	{11, 3 * time.Hour, useRootKey, nil},
	{11, 4 * time.Hour, nil, arrive},
	{15, 10 * time.Hour, watchForgottenAccount, nil},
	{20, 11 * time.Hour, newAdministrator, nil},
	{24, 2 * time.Hour, pauseTrail, nil},
	{-6, 13 * time.Hour, nil, with(invoices, Root.Ask)},
	{-6, 14 * time.Hour, nil, used(invoices, [2]string{"iam", "GetAccountSummary"}, [2]string{"account", "ListRegions"})},
	{-6, 16 * time.Hour, nil, confirm(invoices)},
	{-5, 9 * time.Hour, nil, with(exercise, Root.Ask)},
	{-5, 10 * time.Hour, nil, used(exercise, [2]string{"iam", "GetAccountSummary"}, [2]string{"iam", "ListMFADevices"})},
	{-5, 12 * time.Hour, nil, confirm(exercise)},
	{-2, 4 * time.Hour, signInAsRoot("app-2", stranger, false), nil},
	{-2, 5 * time.Hour, nil, look},
}

func (s *happening) come(ctx context.Context, w *World, h *History) error {
	switch {
	case s.happen != nil:
		return s.happen(w)
	case h.Root != nil:
		return s.told(ctx, w, h)
	}
	return nil
}

// repairAlarm has the alarm on root use fire at one event.
func repairAlarm(w *World) error {
	a := w.account("management")
	return w.do(cloud.UserCaller(a, a.Users["admin"]), "monitoring", "PutMetricAlarm", map[string]any{
		"AlarmName": "root-use", "MetricName": "RootUse", "Namespace": "CISBenchmark", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1,
		"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
		"AlarmActions": []string{"arn:aws:sns:us-east-1:" + string(a.ID) + ":root-alerts"},
	})
}

// guessPassword is a night of wrong passwords for a root user.
func guessPassword(w *World) error {
	root := cloud.RootCaller(w.account("app-1"))
	for range 7 {
		w.cloud.Do(func() { w.cloud.SignIn(root, "us-east-1", stranger, browser, false, false) })
		w.clock.pass(20 * time.Second)
	}
	return nil
}

func signInAsRoot(account, ip string, mfa bool) func(*World) error {
	return func(w *World) error {
		a := w.account(account)
		root := cloud.RootCaller(a)
		w.cloud.Do(func() { w.cloud.SignIn(root, "us-east-1", ip, browser, true, mfa) })
		w.clock.pass(2 * time.Minute)
		return errors.Join(
			w.from(root, "us-east-1", ip, browser, "iam", "GetAccountSummary", nil),
			w.from(root, "us-east-1", ip, browser, "account", "ListRegions", nil),
		)
	}
}

// useRootKey is a script that still holds a root access key.
func useRootKey(w *World) error {
	root := cloud.RootCaller(w.account("app-1"))
	return errors.Join(
		w.from(root, "us-east-1", abroad, "Boto3/1.34.0", "sts", "GetCallerIdentity", nil),
		w.from(root, "us-east-1", abroad, "Boto3/1.34.0", "s3", "ListBuckets", nil),
		w.from(root, "us-east-1", abroad, "Boto3/1.34.0", "iam", "ListUsers", nil),
	)
}

// watchForgottenAccount switches GuardDuty on in the account that had been forgotten.
func watchForgottenAccount(w *World) error {
	a := w.account(w.plan.Accounts[len(w.plan.Accounts)-1].Name)
	return w.do(cloud.UserCaller(a, a.Users["admin"]), "guardduty", "CreateDetector", map[string]any{"enable": true})
}

// newAdministrator makes a user who may do everything: a finding that opens.
func newAdministrator(w *World) error {
	a := w.account("app-2")
	who := cloud.UserCaller(a, a.Users["admin"])
	return errors.Join(
		w.do(who, "iam", "CreateUser", map[string]any{"UserName": "contractor"}),
		w.do(who, "iam", "AttachUserPolicy", map[string]any{"UserName": "contractor", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
		w.do(who, "iam", "CreateAccessKey", map[string]any{"UserName": "contractor"}),
	)
}

// pauseTrail stops the organization's trail for an hour.
func pauseTrail(w *World) error {
	a := w.account("management")
	who := cloud.UserCaller(a, a.Users["admin"])
	if err := w.do(who, "cloudtrail", "StopLogging", map[string]any{"Name": "organization"}); err != nil {
		return err
	}
	w.clock.pass(time.Hour)
	return w.do(who, "cloudtrail", "StartLogging", map[string]any{"Name": "organization"})
}

// proveLogs switches on the digest files.
func proveLogs(w *World) error {
	w.clock.pass(10 * time.Minute) // a log file of the minutes before, which no digest names, would look planted
	a := w.account("management")
	return w.do(cloud.UserCaller(a, a.Users["admin"]), "cloudtrail", "UpdateTrail", map[string]any{"Name": "organization", "EnableLogFileValidation": true})
}

// workday is what people and programs do on an ordinary day: from the small hours to the
// evening, with fewer of them at a weekend.
func (w *World) workday(ctx context.Context, h *History, day int, chance *rand.Rand) error {
	weekend := w.start.AddDate(0, 0, day).Weekday()%6 == 0
	for hour := range 24 {
		if !w.at(day, time.Duration(hour)*time.Hour) {
			return nil
		}
		for _, s := range story {
			if day < w.days && (s.day == day || s.day == day-w.days) && s.of == time.Duration(hour)*time.Hour {
				if err := s.come(ctx, w, h); err != nil {
					return fmt.Errorf("day %d: %w", day, err)
				}
			}
		}
		if err := w.programs(); err != nil {
			return err
		}
		if hour >= 7 && hour <= 18 && (!weekend || chance.IntN(8) == 0) {
			if err := w.people(chance); err != nil {
				return err
			}
		}
	}
	return nil
}

// programs are the calls that somebody's schedule makes each hour.
func (w *World) programs() error {
	for _, name := range []string{"app-1", "app-2", "app-3"} {
		a := w.account(name)
		who := cloud.UserCaller(a, a.Users["admin"])
		if err := w.from(who, "eu-west-1", office, "APN/1.0 HashiCorp/1.0 Terraform/1.9.8", "s3", "ListBuckets", nil); err != nil {
			return err
		}
	}
	return nil
}

// people sign in, mostly with MFA, sometimes with a wrong password first.
func (w *World) people(chance *rand.Rand) error {
	for _, p := range w.plan.Accounts {
		a := w.cloud.Account(p.ID)
		for _, u := range cloud.Sorted(a.Users) {
			if !u.Password.Set || chance.IntN(4) > 0 {
				continue
			}
			ip := office
			switch chance.IntN(12) {
			case 0, 1, 2:
				ip = home
			case 3:
				ip = abroad
			}
			who := cloud.UserCaller(a, u)
			w.cloud.Do(func() {
				if chance.IntN(9) == 0 {
					w.cloud.SignIn(who, "us-east-1", ip, browser, false, false)
				}
				w.cloud.SignIn(who, "us-east-1", ip, browser, true, chance.IntN(6) > 0)
			})
			w.clock.pass(time.Duration(20+chance.IntN(100)) * time.Second)
			if err := w.from(who, "us-east-1", ip, browser, "sts", "GetCallerIdentity", nil); err != nil {
				return err
			}
		}
	}
	return nil
}
