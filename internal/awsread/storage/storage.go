// Package storage is what AWS is asked about queues, secrets and volumes.
package storage

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/ec2"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Operations tell of queues, secrets and volumes.
func Operations() []call.Operation {
	return []call.Operation{
		{Action: "sqs:ListQueues", Regional: true, Read: queues},
		{Action: "sqs:GetQueueAttributes", Regional: true, Of: eachQueue, ReadOne: queueAttributes},
		{Action: "secretsmanager:ListSecrets", Regional: true, Read: secrets},
		{Action: "ec2:GetEbsEncryptionByDefault", Regional: true, Read: volumeEncryption},
	}
}

// queues lists the queues of a Region. AWS gives their addresses, which end in account
// and name.
func queues(ctx context.Context, p *call.Place) (any, error) {
	client := sqs.NewFromConfig(p.AWS)
	in := &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)} // without a limit SQS cuts the list
	all, err := call.Gather(p, func(token *string) ([]facts.Queue, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListQueues, in)
		if err != nil {
			return nil, nil, err
		}
		var page []facts.Queue
		for _, address := range out.QueueUrls {
			arn, err := queueARN(p, address)
			if err != nil {
				return nil, nil, err
			}
			page = append(page, facts.Queue{ARN: arn, URL: address})
		}
		return page, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) { f.Queues = append(f.Queues, all...) }), nil
}

func queueARN(p *call.Place, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("address of a queue: %w", err)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 {
		return "", fmt.Errorf("address of a queue %q: want one that ends in account and name", address)
	}
	account, name, region := parts[len(parts)-2], parts[len(parts)-1], rootkeep.Region(p.AWS.Region)
	return rootkeep.ARN{Partition: region.Partition(), Service: "sqs", Region: region, Account: rootkeep.AccountID(account), Resource: name}.String(), nil
}

func eachQueue(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, q := range s.Facts.Queues {
		out = append(out, call.Target{Region: call.RegionOf(q.ARN), Key: q.ARN, With: []string{q.URL}})
	}
	return out
}

func queueAttributes(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, sqs.NewFromConfig(p.AWS).GetQueueAttributes, &sqs.GetQueueAttributesInput{
		QueueUrl:       &t.With[0],
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNamePolicy, sqstypes.QueueAttributeNameKmsMasterKeyId, sqstypes.QueueAttributeNameSqsManagedSseEnabled},
	})
	if err != nil {
		return nil, err
	}
	a := out.Attributes // one that has no value is left out
	return call.Direct(func(f *facts.Facts) {
		q := &f.Queues[slices.IndexFunc(f.Queues, func(q facts.Queue) bool { return q.ARN == t.Key })]
		q.Policy = a[string(sqstypes.QueueAttributeNamePolicy)]
		q.Encrypted = a[string(sqstypes.QueueAttributeNameSqsManagedSseEnabled)] == "true" || a[string(sqstypes.QueueAttributeNameKmsMasterKeyId)] != ""
	}), nil
}

// secrets lists the secrets of a Region that are not about to be deleted.
func secrets(ctx context.Context, p *call.Place) (any, error) {
	client := secretsmanager.NewFromConfig(p.AWS)
	in := &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(100)}
	all, err := call.Gather(p, func(token *string) ([]secrettypes.SecretListEntry, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListSecrets, in)
		if err != nil {
			return nil, nil, err
		}
		return out.SecretList, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		for _, s := range all {
			primary := aws.ToString(s.PrimaryRegion)
			f.Secrets = append(f.Secrets, facts.Secret{
				ARN: aws.ToString(s.ARN), Name: aws.ToString(s.Name), Created: aws.ToTime(s.CreatedDate).UTC(), Rotation: aws.ToBool(s.RotationEnabled),
				LastRotated: aws.ToTime(s.LastRotatedDate).UTC(), Replica: primary != "" && primary != p.AWS.Region,
			})
		}
	}), nil
}

// volumeEncryption asks whether a Region encrypts new volumes by default.
func volumeEncryption(ctx context.Context, p *call.Place) (any, error) {
	out, err := ec2.Ask(ctx, p, "GetEbsEncryptionByDefault")
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		i := slices.IndexFunc(f.Regions, func(r facts.Region) bool { return r.Name == p.AWS.Region })
		if i >= 0 { // the list of Regions may have failed
			f.Regions[i].EBSEncryption = *out.EbsEncryptionByDefault
		}
	}), nil
}
