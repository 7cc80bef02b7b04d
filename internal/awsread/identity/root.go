package identity

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// InRoot follows the name of a call in the origin of what only root itself is told.
const InRoot = " in a root session"

// RootOperations are what a root session of the audit task is asked. AWS's own policy
// of that task permits them; no role needs them for this.
func RootOperations() []call.Operation {
	return []call.Operation{
		{Action: "iam:ListMFADevices" + InRoot, Read: rootDevices},
		{Action: "iam:ListAccessKeys" + InRoot, Read: rootKeys},
		{Action: "iam:GetLoginProfile" + InRoot, Read: rootPassword},
		{Action: "iam:ListSigningCertificates" + InRoot, Read: rootCertificates},
	}
}

func rootDevices(ctx context.Context, p *call.Place) (any, error) {
	client, in := iam.NewFromConfig(p.AWS), &iam.ListMFADevicesInput{}
	all, err := call.Gather(p, func(token *string) ([]iamtypes.MFADevice, *string, error) {
		in.Marker = token
		out, err := call.Ask(ctx, p, client.ListMFADevices, in)
		if err != nil {
			return nil, nil, err
		}
		next, err := marker(out.IsTruncated, out.Marker)
		return out.MFADevices, next, err
	})
	devices := make([]facts.Device, len(all))
	for i, d := range all {
		serial := aws.ToString(d.SerialNumber)
		devices[i] = facts.Device{Serial: serial, Kind: facts.DeviceKind(serial), Enabled: aws.ToTime(d.EnableDate)}
	}
	return call.Direct(func(f *facts.Facts) { f.Root.Devices = devices }), err
}

func rootKeys(ctx context.Context, p *call.Place) (any, error) {
	client := iam.NewFromConfig(p.AWS)
	out, err := call.Ask(ctx, p, client.ListAccessKeys, &iam.ListAccessKeysInput{})
	if err != nil {
		return nil, err
	}
	keys := []facts.AccessKey{}
	for _, k := range out.AccessKeyMetadata {
		p.Plan(1)
		used, err := call.Ask(ctx, p, client.GetAccessKeyLastUsed, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
		if err != nil {
			return nil, err
		}
		key := facts.AccessKey{ID: aws.ToString(k.AccessKeyId), Active: k.Status == iamtypes.StatusTypeActive, Created: aws.ToTime(k.CreateDate)}
		if u := used.AccessKeyLastUsed; u != nil && u.LastUsedDate != nil {
			key.LastUsed, key.LastUsedRegion, key.LastUsedService = *u.LastUsedDate, aws.ToString(u.Region), aws.ToString(u.ServiceName)
		}
		keys = append(keys, key)
	}
	return call.Direct(func(f *facts.Facts) { f.Root.AccessKeys = keys }), nil
}

func rootPassword(ctx context.Context, p *call.Place) (any, error) {
	_, err := call.Ask(ctx, p, iam.NewFromConfig(p.AWS).GetLoginProfile, &iam.GetLoginProfileInput{})
	none, ok := errors.AsType[*iamtypes.NoSuchEntityException](err)
	if err != nil && !ok {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) { f.Root.HasPassword = none == nil }), nil
}

func rootCertificates(ctx context.Context, p *call.Place) (any, error) {
	out, err := call.Ask(ctx, p, iam.NewFromConfig(p.AWS).ListSigningCertificates, &iam.ListSigningCertificatesInput{})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) { f.Root.HasCertificates = len(out.Certificates) > 0 }), nil
}
