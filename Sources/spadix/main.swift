import SpadixCommands

SpadixCommand.main()
