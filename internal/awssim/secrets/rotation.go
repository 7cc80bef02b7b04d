package secrets

import (
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type rotateIn struct {
	onSecret
	ClientRequestToken string
	RotationLambdaARN  string
	RotationRules      *rules
	RotateImmediately  *bool
}

// rotateSecret sets rotation up. No function runs: the value stays, the date moves.
func rotateSecret(c *cloud.Call, in rotateIn) (out secretOut, err error) {
	s, err := in.live(c)
	if err != nil {
		return out, err
	}
	if in.RotationLambdaARN != "" {
		s.lambda = in.RotationLambdaARN
	}
	if in.RotationRules != nil {
		s.rotation = in.RotationRules
	}
	if s.lambda == "" || s.rotation == nil {
		return out, cloud.Fail("InvalidRequestException", 400, "No Lambda rotation function ARN is associated with this secret.")
	}
	if in.RotateImmediately == nil || *in.RotateImmediately {
		s.rotated = c.Now
	}
	return secretOut{ARN: s.arn, Name: s.name}, nil
}

func cancelRotation(c *cloud.Call, in onSecret) (out secretOut, err error) {
	s, err := in.live(c)
	if err != nil {
		return out, err
	}
	s.rotation = nil
	return secretOut{ARN: s.arn, Name: s.name}, nil
}

type policyOut struct{ ARN, Name, ResourcePolicy string }

func getPolicy(c *cloud.Call, in onSecret) (out policyOut, err error) {
	s, err := in.secret(c)
	if err != nil {
		return out, err
	}
	return policyOut{s.arn, s.name, s.policy}, nil
}

type putPolicyIn struct {
	onSecret
	ResourcePolicy    string `aws:",must"`
	BlockPublicPolicy bool
}

type namedOut struct{ ARN, Name string }

func putPolicy(c *cloud.Call, in putPolicyIn) (out namedOut, err error) {
	s, err := in.live(c)
	if err != nil {
		return out, err
	}
	if err := cloud.CheckPolicy(iam.Resource, in.ResourcePolicy); err != nil {
		return out, cloud.Fail("MalformedPolicyDocumentException", 400, "%v", err)
	}
	if in.BlockPublicPolicy && c.Cloud.Public(in.ResourcePolicy) {
		return out, cloud.Fail("PublicPolicyException", 400, "The resource policy grants broad access to the secret.")
	}
	s.policy = in.ResourcePolicy
	return namedOut{s.arn, s.name}, nil
}

func deletePolicy(c *cloud.Call, in onSecret) (out namedOut, err error) {
	s, err := in.live(c)
	if err != nil {
		return out, err
	}
	s.policy = ""
	return namedOut{s.arn, s.name}, nil
}

type tagIn struct {
	onSecret
	Tags []cloud.Tag `aws:",must"`
}

func tagSecret(c *cloud.Call, in tagIn) (cloud.None, error) {
	s, err := in.live(c)
	if err == nil {
		s.tags = cloud.SetTags(s.tags, in.Tags)
	}
	return cloud.None{}, err
}

type untagIn struct {
	onSecret
	TagKeys []string `aws:",must"`
}

func untagSecret(c *cloud.Call, in untagIn) (cloud.None, error) {
	s, err := in.live(c)
	if err == nil {
		s.tags = cloud.DropTags(s.tags, in.TagKeys)
	}
	return cloud.None{}, err
}
