package identity

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
)

const (
	listDevices = "iam:ListMFADevices"
	getDevice   = "iam:GetMFADevice"
)

// deviceOperations tell of users' MFA devices, which no account-wide call lists.
func deviceOperations() []call.Operation {
	return []call.Operation{
		{Action: listDevices, Of: usersWithDevices, ReadOne: devicesOf},
		{Action: getDevice, Of: privilegedKeys, ReadOne: certificationsOf, Needs: listDevices},
	}
}

// usersWithDevices are the users who can sign in to the console, and others of whom the
// credential report says that they have MFA. A user that is not in the report may have
// either. What is left has no device.
func usersWithDevices(s *facts.Snapshot) []call.Target {
	f := &s.Facts
	var out []call.Target
	lost := lacking(s, "users.has_password", "users.mfa_enabled")
	for i := range f.Users {
		u := &f.Users[i]
		u.Devices = []facts.Device{}
		if u.HasPassword || u.MFAEnabled || lost(u.ARN) {
			out = append(out, call.Target{Key: u.ARN})
		}
	}
	return out
}

// lacking says of an element whether one of the paths is not known of it.
func lacking(s *facts.Snapshot, paths ...string) func(key string) bool {
	for _, g := range s.Unknown() {
		if slices.Contains(paths, g.Path) {
			return func(string) bool { return true }
		}
	}
	return func(key string) bool {
		return slices.ContainsFunc(s.GapsOf(key), func(g facts.Gap) bool { return slices.Contains(paths, g.Path) })
	}
}

// userOf finds a user by its ARN.
func userOf(f *facts.Facts, arn string) *facts.User {
	return &f.Users[slices.IndexFunc(f.Users, func(u facts.User) bool { return u.ARN == arn })]
}

// userName is the end of a user's ARN, behind its path.
func userName(arn string) *string { return aws.String(arn[strings.LastIndexByte(arn, '/')+1:]) }

func devicesOf(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	client := iam.NewFromConfig(p.AWS)
	in := &iam.ListMFADevicesInput{UserName: userName(t.Key)}
	all, err := call.Gather(p, func(token *string) ([]iamtypes.MFADevice, *string, error) {
		in.Marker = token
		out, err := call.Ask(ctx, p, client.ListMFADevices, in)
		if err != nil {
			return nil, nil, err
		}
		next, err := marker(out.IsTruncated, out.Marker)
		return out.MFADevices, next, err
	})
	if err != nil {
		return nil, err
	}
	devices := make([]facts.Device, len(all))
	for i, d := range all {
		serial := aws.ToString(d.SerialNumber)
		devices[i] = facts.Device{Serial: serial, Kind: facts.DeviceKind(serial), Enabled: aws.ToTime(d.EnableDate)}
	}
	return call.Direct(func(f *facts.Facts) { userOf(f, t.Key).Devices = devices }), nil
}

// privilegedKeys are the FIDO keys of users who are administrator or can become it, and
// of those of whom that is not known.
func privilegedKeys(s *facts.Snapshot) []call.Target {
	judge := permission.Of(s)
	var out []call.Target
	for i := range s.Facts.Users {
		u := &s.Facts.Users[i]
		u.Certifications = []facts.Certification{}
		keys := slices.DeleteFunc(slices.Clone(u.Devices), func(d facts.Device) bool { return d.Kind != facts.FIDO })
		if len(keys) == 0 || judge.Privileged(u).No() {
			continue
		}
		for _, d := range keys {
			out = append(out, call.Target{Key: u.ARN, With: []string{d.Serial}})
		}
	}
	return out
}

func certificationsOf(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	serial := t.With[0]
	out, err := call.Ask(ctx, p, iam.NewFromConfig(p.AWS).GetMFADevice, &iam.GetMFADeviceInput{SerialNumber: &serial, UserName: userName(t.Key)})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		u := userOf(f, t.Key)
		for _, scheme := range slices.Sorted(maps.Keys(out.Certifications)) {
			u.Certifications = append(u.Certifications, facts.Certification{Serial: serial, Scheme: scheme, Level: cmp.Or(out.Certifications[scheme], "none told")})
		}
	}), nil
}
