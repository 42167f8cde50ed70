package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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
				return c.Root().GenBashCompletionV2(io.out, true)
			case "zsh":
				return c.Root().GenZshCompletion(io.out)
			case "fish":
				return c.Root().GenFishCompletion(io.out, true)
			case "powershell":
				return c.Root().GenPowerShellCompletionWithDesc(io.out)
			}
			return usagef("completion %q: want bash, zsh, fish or powershell", args[0])
		},
	}
}

// completeValues makes a shell propose the values of flags that have a few, and folders for --out.
func completeValues(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		of := []string{"auto", "off"}
		switch v := f.Value.(type) {
		case *choice:
			of = v.of
		case *sitemapSetting:
		default:
			return
		}
		cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(of, cobra.ShellCompDirectiveNoFileComp)) // fails for a flag that is not there
	})
	cmd.MarkFlagDirname("out") // likewise
}
