package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newCompletion is trawl completion, in the place of cobra's own, which newRoot switches off.
func newCompletion(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands and flags in your shell",
		Example: `  source <(trawl completion bash)
  trawl completion zsh > "${fpath[1]}/_trawl"
  trawl completion fish > ~/.config/fish/completions/trawl.fish`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("completion: name one shell: bash, zsh, fish or powershell")
			}
			switch args[0] {
			case "bash":
				return withoutOp(c.Root().GenBashCompletionV2(io.out, true))
			case "zsh":
				return withoutOp(c.Root().GenZshCompletion(io.out))
			case "fish":
				return withoutOp(c.Root().GenFishCompletion(io.out, true))
			case "powershell":
				return withoutOp(c.Root().GenPowerShellCompletionWithDesc(io.out))
			}
			return usagef("completion %q: want bash, zsh, fish or powershell", args[0])
		},
	}
}

// proposer is a flag that knows how what is typed can go on.
type proposer interface{ propose(typed string) []string }

// completeValues makes a shell propose the values of flags that have a few, and files and folders to those that take one.
// Left to itself it would propose files for all.
func completeValues(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		complete := cobra.NoFileCompletions
		takes, _ := pflag.UnquoteUsage(f)
		switch v, proposes := f.Value.(proposer); {
		case proposes:
			complete = func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
				return v.propose(typed), cobra.ShellCompDirectiveNoFileComp
			}
		case takes == "file":
			return
		case takes == "folder":
			complete = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
		}
		cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails for a flag that is not there
	})
}
