package kms

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type aliasIn struct {
	AliasName string `aws:",must"`
}

type createAliasIn struct {
	aliasIn
	TargetKeyId string `aws:",must"`
}

// On is the key; the alias is authorized by the function.
func (in *createAliasIn) On(c *cloud.Call) cloud.Resource { return resource(c, in.TargetKeyId) }

func createAlias(c *cloud.Call, in createAliasIn) (cloud.None, error) {
	on := onKey{in.TargetKeyId}
	k, err := on.key(c)
	s := state(c.Account, c.Region)
	switch {
	case err != nil:
		return cloud.None{}, err
	case !strings.HasPrefix(in.AliasName, "alias/") || strings.HasPrefix(in.AliasName, "alias/aws/"):
		return cloud.None{}, cloud.Fail("InvalidAliasNameException", 400, "Alias must start with the prefix \"alias/\" and not with \"alias/aws/\"")
	case s.aliases[in.AliasName] != nil:
		return cloud.None{}, cloud.Fail("AlreadyExistsException", 400, "An alias with the name %s already exists", in.AliasName)
	}
	if err := c.Authorize("kms:CreateAlias", cloud.Resource{ARN: c.ARN(in.AliasName)}); err != nil {
		return cloud.None{}, err
	}
	s.aliases[in.AliasName] = &alias{in.AliasName, k.id, c.Now}
	return cloud.None{}, nil
}

// On is the key that the alias stands for.
func (in *aliasIn) On(c *cloud.Call) cloud.Resource { return resource(c, in.AliasName) }

func deleteAlias(c *cloud.Call, in aliasIn) (cloud.None, error) {
	s := state(c.Account, c.Region)
	if s.aliases[in.AliasName] == nil {
		return cloud.None{}, cloud.Fail("NotFoundException", 400, "Alias %s is not found.", c.ARN(in.AliasName))
	}
	delete(s.aliases, in.AliasName)
	return cloud.None{}, nil
}

type listAliasesIn struct {
	KeyId string
	paged
}

type aliasShape struct {
	AliasName, AliasArn, TargetKeyId string
	CreationDate, LastUpdatedDate    time.Time
}

type aliasesOut struct {
	Aliases []aliasShape
	page
}

func listAliases(c *cloud.Call, in listAliasesIn) (out aliasesOut, err error) {
	id := in.KeyId
	if id != "" {
		on := onKey{id}
		k, err := on.key(c)
		if err != nil {
			return out, err
		}
		id = k.id
	}
	var all []aliasShape
	for _, a := range cloud.Sorted(state(c.Account, c.Region).aliases) {
		if id == "" || a.target == id {
			all = append(all, aliasShape{a.name, c.ARN(a.name), a.target, a.created, a.created})
		}
	}
	out.Aliases, out.page, err = cut(c, in.paged, all)
	return out, err
}

type listTagsIn struct {
	onKey
	paged
}

type tagsOut struct {
	Tags []tag
	page
}

func listTags(c *cloud.Call, in listTagsIn) (out tagsOut, err error) {
	k, err := in.key(c)
	if err != nil {
		return out, err
	}
	out.Tags, out.page, err = cut(c, in.paged, slices.Clone(k.tags))
	return out, err
}
